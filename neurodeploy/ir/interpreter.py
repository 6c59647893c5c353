"""The meaning of a float graph: its operations executed with numpy, over (time, batch)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.ir.graph import Graph
from neurodeploy.ir.ops import LIF, Dense, Flatten, Input, Output, Readout

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class FloatResult:
    """Results of a float run by layer: spikes of LIF layers and potentials of neuron layers, `(T, N, n)`.

    A potential is the value at the end of the step, after the reset.
    """

    output: str
    spikes: Mapping[str, Array]
    membrane: Mapping[str, Array]
    is_readout: bool

    @property
    def prediction(self) -> npt.NDArray[np.int64]:
        """Class of each sample `(N,)`: largest last potential of a readout, or most spikes; ties to the lowest."""
        score: Array = (
            self.membrane[self.output][-1] if self.is_readout else self.spikes[self.output].sum(axis=0)
        )
        prediction: npt.NDArray[np.int64] = score.argmax(axis=1)
        return prediction


def interpret(
    graph: Graph, x: npt.ArrayLike, steps: int, *, time_axis: bool = False, dtype: npt.DTypeLike = np.float32
) -> FloatResult:
    """Run real input `x`, `(N, *shape)` static or `(T, N, *shape)` with `time_axis`, from the reset state.

    A static input's first currents are computed once. Raises `InputError` for an input of another shape.
    """
    values = np.asarray(x, dtype)
    values = values if time_axis else values[np.newaxis]
    shape = next(iter(graph.of(Input).values())).shape
    if values.shape[2:] != shape or (time_axis and len(values) != steps):
        raise InputError(f"the network takes {steps} steps of shape {shape}, not an array {np.shape(x)}")
    results: dict[str, Array] = {}
    spikes: dict[str, Array] = {}
    membrane: dict[str, Array] = {}
    for name in graph.names:
        op, inputs = graph.op(name), [results[source] for source in graph.sources(name)]
        if isinstance(op, (LIF, Readout)):
            spikes[name], membrane[name] = _neurons(op, sum(inputs[1:], inputs[0]), steps)
            results[name] = spikes[name] if isinstance(op, LIF) else membrane[name]
        elif isinstance(op, Input):
            results[name] = values
        else:
            results[name] = _stateless(type(op))(op, inputs[0])
    return FloatResult(graph.output, spikes, membrane, graph.types[graph.output].signal == "potential")


def _neurons(op: LIF | Readout, current: Array, steps: int) -> tuple[Array, Array]:
    v = np.zeros_like(current[0])
    decay, spikes, membrane = v.dtype.type(op.decay), [], []
    for t in range(steps):
        v = decay * v + current[t if len(current) > 1 else 0]
        s = np.zeros_like(v)
        if isinstance(op, LIF):
            s = (v >= op.threshold if op.compare == "ge" else v > op.threshold).astype(v.dtype)
            v = v - op.threshold * s if op.reset == "subtract" else v * (1 - s)
        spikes.append(s)
        membrane.append(v)
    return np.stack(spikes), np.stack(membrane)


def _dense(op: Dense, x: Array) -> Array:
    current: Array = x @ op.weight.T.astype(x.dtype) + op.bias.astype(x.dtype)
    return current


def _stateless(op_type: type) -> Callable[[Any, Array], Array]:
    if op_type not in _STATELESS:
        raise UnsupportedError(f"the float interpreter cannot run '{op_type.__name__}'")
    return _STATELESS[op_type]


_STATELESS: dict[type, Callable[[Any, Array], Array]] = {
    Dense: _dense,
    Flatten: lambda op, x: x.reshape(*x.shape[:2], -1),
    Output: lambda op, x: x,
}
