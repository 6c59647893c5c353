"""The meaning of a float graph: its operations executed with numpy, one time step after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.ir.convolution import convolve, slide
from neurodeploy.ir.graph import Graph
from neurodeploy.ir.ops import (
    LIF,
    Add,
    AveragePool,
    Concat,
    Conv,
    Delay,
    Dense,
    Flatten,
    Input,
    MaxPool,
    Op,
    Output,
    Readout,
    Scale,
    SumPool,
)
from neurodeploy.ir.types import is_given_as

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class FloatResult:
    """Results of a float run by layer: spikes of LIF layers and potentials of neuron layers, `(T, N, *shape)`.

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
        prediction: npt.NDArray[np.int64] = score.reshape(len(score), -1).argmax(axis=1)
        return prediction


def interpret(
    graph: Graph, x: npt.ArrayLike, steps: int, *, time_axis: bool = False, dtype: npt.DTypeLike = np.float32
) -> FloatResult:
    """Run real input `x`, `(N, *shape)` static or `(T, N, *shape)` with `time_axis`, from the reset state.

    What depends on a static input alone is computed once. Raises `InputError` for an input of another shape.
    """
    values = np.asarray(x, dtype)
    values = values if time_axis else values[np.newaxis]
    shape = next(iter(graph.of(Input).values())).shape
    if not is_given_as(shape, values.shape[2:]) or (time_axis and len(values) != steps):
        raise InputError(f"the network takes {steps} steps of shape {shape}, not an array {np.shape(x)}")
    values = values.reshape(*values.shape[:2], *shape)
    run = _Run(graph, values.shape[1], values.dtype)
    static = _static(graph) if len(values) == 1 else frozenset()
    trace = _Trace()
    for t in range(steps):
        run.step(values[t if len(values) > 1 else 0], static if t else frozenset())
        trace.keep(run)
    is_readout = graph.types[graph.output].signal == "potential"
    return FloatResult(graph.output, trace.stacked(trace.spikes), trace.stacked(trace.membrane), is_readout)


def _static(graph: Graph) -> frozenset[str]:
    """Layers whose result is the same in every step when the input is."""
    static: set[str] = set()
    for name in graph.names:
        op = graph.op(name)
        moves = isinstance(op, (LIF, Readout, Delay))
        if isinstance(op, Input) or (not moves and all(source in static for source in graph.sources(name))):
            static.add(name)
    return frozenset(static)


@dataclass(slots=True)
class _Trace:
    spikes: dict[str, list[Array]] = field(default_factory=dict)
    membrane: dict[str, list[Array]] = field(default_factory=dict)

    def keep(self, run: _Run) -> None:
        for name, state in run.states.items():
            self.spikes.setdefault(name, []).append(state.spikes)
            self.membrane.setdefault(name, []).append(state.v)

    @staticmethod
    def stacked(rows: dict[str, list[Array]]) -> dict[str, Array]:
        return {name: np.stack(values) for name, values in rows.items()}


class _Run:
    """States of all layers while a batch runs."""

    def __init__(self, graph: Graph, samples: int, dtype: npt.DTypeLike) -> None:
        self._graph = graph
        self._results: dict[str, Array] = {}
        neurons: dict[str, LIF | Readout] = {**graph.of(LIF), **graph.of(Readout)}
        self.states = {n: _Neurons(op, (samples, *op.shape), dtype) for n, op in neurons.items()}
        self._lines = {
            name: [np.zeros((samples, *op.shape), dtype) for _ in range(op.steps)]
            for name, op in graph.of(Delay).items()
        }

    def step(self, frame: Array, skip: frozenset[str]) -> None:
        """One time step; layers in `skip` keep their result of the step before."""
        for name in self._graph.names:
            if name not in skip:
                self._results[name] = self._layer(name, frame)
        for name, line in self._lines.items():
            line.append(self._results[self._graph.sources(name)[0]])

    def _layer(self, name: str, frame: Array) -> Array:
        op = self._graph.op(name)
        if isinstance(op, Input):
            return frame
        if isinstance(op, Delay):
            return self._lines[name].pop(0)
        inputs = [self._results[source] for source in self._graph.sources(name)]
        if name in self.states:
            return self.states[name].step(inputs)
        return _stateless(name, op)(op, inputs)


class _Neurons:
    """Neurons of one layer; the equations are in `LIF` and `Readout`."""

    def __init__(self, op: LIF | Readout, shape: tuple[int, ...], dtype: npt.DTypeLike) -> None:
        self._op = op
        initial = op.initial if isinstance(op, LIF) else 0.0
        self.v: Array = np.broadcast_to(np.asarray(initial, dtype), shape)
        self._j: Array = np.zeros(shape, dtype)
        self._waiting: Array = np.zeros(shape, np.int64)
        self.spikes: Array = np.zeros(shape, dtype)
        self._decay, self._current_decay, self._bias = (
            np.asarray(p, dtype) for p in (op.decay, op.current_decay, op.bias)
        )

    def step(self, inputs: list[Array]) -> Array:
        current: Array = sum(inputs[1:], inputs[0]) if inputs else np.zeros_like(self.v)
        self._j = self._current_decay * self._j + current
        u = self._decay * self.v + self._j + self._bias
        if isinstance(self._op, Readout):
            self.v = u
            return self.v
        return self._fire(self._op, u)

    def _fire(self, op: LIF, u: Array) -> Array:
        if op.v_min is not None:
            u = np.maximum(u, op.v_min.astype(u.dtype))
        if op.refractory:
            u = np.where(self._waiting > 0, self.v, u)
        spikes = _count(op, u)
        if op.refractory:
            spikes = np.where(self._waiting > 0, 0, spikes)
            self._waiting = np.where(spikes > 0, op.refractory, np.maximum(self._waiting - 1, 0))
        self.spikes = spikes.astype(u.dtype)
        fired = spikes > 0
        if op.reset == "subtract":
            self.v = u - self.spikes * op.subtracts.astype(u.dtype)
        else:
            self.v = np.where(fired, u.dtype.type(0), u)
        if op.clear_current:
            self._j = np.where(fired, u.dtype.type(0), self._j)
        return self.spikes


def _count(op: LIF, u: Array) -> Array:
    """Spikes of one step, integers."""
    threshold = op.threshold.astype(u.dtype)
    fires = u >= threshold if op.compare == "ge" else u > threshold
    if op.max_spikes == 1:
        once: Array = fires.astype(np.int64)
        return once
    ratio = (u - threshold) / op.subtracts.astype(u.dtype)
    more = np.floor(ratio) + 1 if op.compare == "ge" else np.ceil(ratio)
    return np.where(fires, np.clip(more, 1, op.max_spikes), 0).astype(np.int64)


def _dense(op: Dense, inputs: list[Array]) -> Array:
    x = inputs[0]
    current: Array = x @ op.weight.T.astype(x.dtype) + op.bias.astype(x.dtype)
    return current


def _conv(op: Conv, inputs: list[Array]) -> Array:
    x = inputs[0]
    bias = op.bias.astype(x.dtype).reshape(-1, *(1,) * len(op.windows.kernel))
    current: Array = convolve(x, op.weight.astype(x.dtype), op.windows, op.groups) + bias
    return current


def _window_axes(op: SumPool | AveragePool | MaxPool) -> tuple[int, ...]:
    return tuple(range(-len(op.kernel), 0))


def _sum_pool(op: SumPool | AveragePool, inputs: list[Array]) -> Array:
    total: Array = slide(inputs[0], op.windows).sum(axis=_window_axes(op))
    return total


def _average_pool(op: AveragePool, inputs: list[Array]) -> Array:
    x = inputs[0]
    inside = np.ones_like(x[:1, :1])
    size = np.prod(op.kernel) if op.count_padding else slide(inside, op.windows).sum(axis=_window_axes(op))
    mean: Array = _sum_pool(op, inputs) / np.asarray(size, x.dtype)
    return mean


def _max_pool(op: MaxPool, inputs: list[Array]) -> Array:
    largest: Array = slide(inputs[0], op.windows, -np.inf).max(axis=_window_axes(op))
    return largest


def _scale(op: Scale, inputs: list[Array]) -> Array:
    x = inputs[0]
    scaled: Array = x * op.scale.astype(x.dtype) + op.shift.astype(x.dtype)
    return scaled


def compute(op: Op, inputs: list[Array]) -> Array:
    """Result of an operation that remembers nothing, from those of its sources, `(N, *shape)`."""
    return _stateless(op.kind, op)(op, inputs)


def _stateless(name: str, op: Op) -> Callable[[Any, list[Array]], Array]:
    if type(op) not in _STATELESS:
        raise UnsupportedError(f"layer '{name}': the float interpreter cannot run '{op.kind}'")
    return _STATELESS[type(op)]


_STATELESS: dict[type, Callable[[Any, list[Array]], Array]] = {
    Dense: _dense,
    Conv: _conv,
    SumPool: _sum_pool,
    AveragePool: _average_pool,
    MaxPool: _max_pool,
    Scale: _scale,
    Add: lambda op, inputs: sum(inputs[1:], inputs[0]),
    Concat: lambda op, inputs: np.concatenate(inputs, axis=1),
    Flatten: lambda op, inputs: inputs[0].reshape(len(inputs[0]), -1),
    Output: lambda op, inputs: inputs[0],
}
