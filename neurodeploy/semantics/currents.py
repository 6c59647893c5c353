"""The synaptic input of one layer of integer neurons, when what every layer sends is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import UnsupportedError
from neurodeploy.ir import Delay, Flatten, Graph, IntInput, IntLIF, IntSynapses
from neurodeploy.semantics.synapses import Synapses

Array = npt.NDArray[Any]


def current(graph: Graph, name: str, x: Array, spikes: Mapping[str, Array]) -> Array:
    """The sum a[t] of all that reaches the neurons `name` of an integer graph, int64 `(T, N, *shape)`.

    `x` is the graph's input and `spikes` what each layer of neurons sends, integers `(T, N, *shape)`. Neurons
    without synapses get zeros.
    """
    shape = graph.types[name].shape
    total: Array = np.zeros((*x.shape[:2], *shape), np.int64)
    for source in graph.sources(name):
        total += _sent(graph, source, x, spikes)
    return total


def _sent(graph: Graph, name: str, x: Array, spikes: Mapping[str, Array]) -> Array:
    """What a layer sends, int64 `(T, N, *shape)`; delays hold zeros at first."""
    op = graph.op(name)
    if isinstance(op, IntInput):
        return x
    if isinstance(op, IntLIF):
        return spikes[name].astype(np.int64)
    values = _sent(graph, graph.sources(name)[0], x, spikes)
    if isinstance(op, IntSynapses):
        return _sums(op, values)
    if isinstance(op, Delay):
        late = np.zeros_like(values)
        late[op.steps :] = values[: max(0, len(values) - op.steps)]
        return late
    if isinstance(op, Flatten):
        return values.reshape(*values.shape[:2], -1)
    raise UnsupportedError(f"layer '{name}': '{op.kind}' has no place before neurons of integers")


def _sums(op: IntSynapses, x: Array) -> Array:
    largest = int(np.abs(x).max(initial=0))
    sums: Array = np.moveaxis(Synapses(op, largest)(np.moveaxis(x, 1, -1)), -1, 1).astype(np.int64)
    return sums
