"""The float graph that an integer graph stands for: what its integers mean, without their rounding and saturation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neurodeploy.errors import UnsupportedError
from neurodeploy.ir import (
    DECAY_ONE,
    LIF,
    Conv,
    Dense,
    Graph,
    Input,
    IntConv,
    IntDense,
    IntInput,
    IntLIF,
    Op,
    Readout,
)
from neurodeploy.semantics.fixed_point import CURRENT_SHIFT

UNIT = 1 << CURRENT_SHIFT
"""Units of a potential per unit of synaptic input."""


def float_meaning(graph: Graph) -> Graph:
    """The float graph of an integer graph; a float graph as it is.

    Synapses: W = W_q 2^exponent, times the levels of the input behind it. Neurons: decays d as 1 - d / 4096,
    potentials over 64. A threshold lies half an integer below the smallest potential that fires, so that `>` and
    `>=` mean the same.

    Raises `UnsupportedError` naming a layer that has no float meaning.
    """
    if not graph.of(IntInput):
        return graph
    return Graph({name: _meaning(graph, name) for name in graph.names}, graph.edges)


def _meaning(graph: Graph, name: str) -> Op:
    op = graph.op(name)
    if op.dialect == "any":
        return op
    if type(op) not in _MEANINGS:
        raise UnsupportedError(f"layer '{name}': '{op.kind}' has no float meaning")
    return _MEANINGS[type(op)](graph, name, op)


def _scale(graph: Graph, name: str, op: IntDense | IntConv) -> float:
    graded = graph.types[graph.sources(name)[0]].signal == "value"
    levels = next(iter(graph.of(IntInput).values())).levels if graded else 1.0
    return levels * 2.0**op.exponent


def _dense(graph: Graph, name: str, op: IntDense) -> Op:
    weight = op.weight_q.astype(np.float64) * _scale(graph, name, op)
    return Dense(weight.astype(np.float32), np.zeros(len(weight), np.float32))


def _conv(graph: Graph, name: str, op: IntConv) -> Op:
    weight = op.weight_q.astype(np.float64) * _scale(graph, name, op)
    bias = np.zeros(len(weight), np.float32)
    return Conv(weight.astype(np.float32), bias, op.stride, op.padding, op.dilation, op.groups)


def _neurons(graph: Graph, name: str, op: IntLIF) -> Op:
    decay, current_decay = ((DECAY_ONE - d) / DECAY_ONE for d in (op.dv, op.du))
    if op.reset == "none":
        return Readout(op.shape, decay, current_decay, op.bias_q / UNIT)
    return LIF(
        op.shape,
        decay,
        (op.fire_at - 0.5) / UNIT,
        op.reset,
        "gt",
        current_decay=current_decay,
        bias=op.bias_q / UNIT,
        initial=op.initial_q / UNIT,
        reset_by=op.subtracts_q / UNIT if op.reset == "subtract" else None,
        v_min=None if op.v_min_q is None else op.v_min_q / UNIT,
        clear_current=op.clear_current and op.remembers_current,
        max_spikes=op.max_spikes,
        refractory=op.refractory,
    )


_MEANINGS: dict[type[Op], Callable[[Graph, str, Any], Op]] = {
    IntInput: lambda graph, name, op: Input(op.shape),
    IntDense: _dense,
    IntConv: _conv,
    IntLIF: _neurons,
}
