"""An ANN and its spike scales -> a spiking network that computes the same rates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.frontends.onnx_ann.relu import Relu
from neurodeploy.frontends.onnx_ann.tensors import Array
from neurodeploy.ir import (
    LIF,
    Add,
    AveragePool,
    Concat,
    Conv,
    Dense,
    Flatten,
    Graph,
    Input,
    MaxPool,
    Op,
    Output,
    Readout,
    Scale,
    Shape,
    verify,
)
from neurodeploy.ir.types import TensorType
from neurodeploy.network import Note

IDENTITY_LARGEST = 1 << 13
"""Most numbers without spatial axes that may drive neurons one to one, which takes a full matrix."""


@dataclass(frozen=True, slots=True)
class Wire:
    """A result of the spiking network: layer, type, and what 1 of it is `worth` in the ANN, alone or `(C,)`."""

    layer: str
    type: TensorType
    worth: Array

    @property
    def factor(self) -> Array:
        """`worth` with one axis for each of the shape."""
        return self.worth.reshape(-1, *(1,) * (len(self.type.shape) - 1)) if self.worth.ndim else self.worth


@dataclass(frozen=True, slots=True)
class Spiking:
    """How to convert, by the names of layers: the scale of each ReLU, and what to add to biases.

    Both hold arrays without axes or `(C,)`; `biases` are for ReLUs and for the output without one.
    `max_pool`: spikes may be max-pooled.
    """

    scales: Mapping[str, Array]
    biases: Mapping[str, Array] = field(default_factory=dict)
    max_pool: bool = False


def convert(graph: Graph, output: str, how: Spiking) -> tuple[Graph, tuple[Note, ...]]:
    """The spiking network of the ANN `graph`, whose result is that of `output`. ReLUs keep their names.

    Currents and potentials keep the units of the ANN.

        ReLU with scale lambda  ->  LIF with decay 1, threshold lambda, reset 'subtract', compare 'ge',
                                    potential lambda / 2 at the start; one spike is worth lambda
        W behind spikes         ->  W lambda;  the bias stays, as a current of every step
        a branch of an Add      ->  Scale by what it is worth
        the last layer          ->  Readout with decay 1: its potential after T steps is the sum of T outputs

    After T steps the rate of a neuron times lambda is clip(round(T a / lambda), 0, T) lambda / T for constant input a:
    the start at lambda / 2 makes the floor of integrate-and-fire a rounding (Bu et al., ICLR 2022; subtraction:
    Rueckauer et al., 2017). Threshold lambda with unscaled currents is the same network as threshold 1 with weights
    divided by lambda and quantizes to the same integers, since the scale of a layer's weights is free; it needs no
    second scale where branches meet or a current has two users.

    Raises `UnsupportedError` for a max pool of spikes that was not asked for.
    """
    return _Converter(how).run(graph, output)


class _Converter:
    def __init__(self, how: Spiking) -> None:
        self._how = how
        self._ops: dict[str, Op] = {}
        self._edges: list[tuple[str, str]] = []
        self._wires: dict[str, Wire] = {}
        self._notes: list[Note] = []
        self._reserved: frozenset[str] = frozenset()

    def run(self, graph: Graph, output: str) -> tuple[Graph, tuple[Note, ...]]:
        self._reserved = frozenset(graph.names)
        for name in graph.names:
            op = graph.op(name)
            sources = [self._wires[source] for source in graph.sources(name)]
            try:
                self._wires[name] = _RULES[type(op)](self, name, op, sources)
            except InputError as error:
                raise type(error)(f"layer '{name}': {error}") from None
        self._finish(output, self._wires[output])
        return verify(Graph(self._ops, self._edges)), tuple(self._notes)

    def _finish(self, output: str, last: Wire) -> None:
        if not isinstance(self._ops[last.layer], LIF):
            current = self._as_current(self._free(f"{last.layer}.identity"), last)
            self._notes.append(
                Note(last.layer, "no ReLU behind it: read out as the sum of its outputs over time")
            )
            bias = _per_channel(self._how.biases.get(output, np.zeros(())), last.type.shape)
            last = self._put(self._free("readout"), Readout(last.type.shape, 1.0, bias=bias), [current])
        self._put(self._free("output"), Output(), [last])

    def _free(self, name: str) -> str:
        while name in self._ops or name in self._reserved:
            name += "_"
        return name

    def _put(self, name: str, op: Op, sources: Sequence[Wire], worth: Array | float = 1.0) -> Wire:
        result = op.result(tuple(source.type for source in sources))
        self._ops[name] = op
        self._edges.extend((source.layer, name) for source in sources)
        return Wire(name, result, np.asarray(worth))

    def input(self, name: str, op: Input, sources: list[Wire]) -> Wire:
        return self._put(name, op, [])

    def synapses(self, name: str, op: Conv | Dense, sources: list[Wire]) -> Wire:
        return self._put(name, _times(op, sources[0].worth), sources)

    def pool(self, name: str, op: AveragePool | Flatten, sources: list[Wire]) -> Wire:
        (x,) = sources
        flattened = isinstance(op, Flatten) and x.worth.ndim
        worth = np.repeat(x.worth, x.type.size // len(x.worth)) if flattened else x.worth
        return self._put(name, op, sources, worth)

    def max_pool(self, name: str, op: MaxPool, sources: list[Wire]) -> Wire:
        if sources[0].type.signal != "spike":
            raise UnsupportedError(
                "only ReLUs can be max-pooled, alone or flattened; put a ReLU before or behind it"
            )
        if not self._how.max_pool:
            raise UnsupportedError(
                "the largest of several rates is not what one step of spikes can tell. Train the model with average "
                f"pooling or a convolution of stride {op.stride[0]} instead, or take the maximum over the spikes of "
                "each step, which is not exact, by --set ann.max_pool=spikes"
            )
        self._notes.append(
            Note(name, "maximum over the spikes of each step: not exact, never below the right one")
        )
        return self._put(name, op, sources, sources[0].worth)

    def scale(self, name: str, op: Scale, sources: list[Wire]) -> Wire:
        return self._put(name, Scale(op.scale * sources[0].factor, op.shift), sources)

    def add(self, name: str, op: Add, sources: list[Wire]) -> Wire:
        return self._put(name, op, [self._in_units(f"{name}.{i + 1}", x) for i, x in enumerate(sources)])

    def concat(self, name: str, op: Concat, sources: list[Wire]) -> Wire:
        if len({x.type.signal for x in sources}) > 1:  # spikes and values
            sources = [
                self._put(self._free(f"{name}.{i + 1}"), Scale(x.factor), [x]) for i, x in enumerate(sources)
            ]
        worth = [np.broadcast_to(x.worth, x.type.shape[:1]) for x in sources]
        return self._put(name, op, sources, np.concatenate(worth))

    def relu(self, name: str, op: Relu, sources: list[Wire]) -> Wire:
        current = self._as_current(self._free(f"{name}.identity"), sources[0])
        shape = current.type.shape
        scale = _per_channel(self._how.scales[name], shape)
        bias = _per_channel(self._how.biases.get(name, np.zeros(())), shape)
        neurons = LIF(shape, 1.0, scale, "subtract", "ge", bias=bias, initial=scale / 2)
        return self._put(name, neurons, [current], self._how.scales[name])

    def _in_units(self, name: str, x: Wire) -> Wire:
        """The wire, 1 of which is worth 1."""
        return x if (x.worth == 1.0).all() else self._put(self._free(name), Scale(x.factor), [x])

    def _as_current(self, name: str, x: Wire) -> Wire:
        """The wire, or synapses one to one that make a current of it."""
        if x.type.signal == "current":
            return x
        channels, *spatial = x.type.shape
        weight: Array
        bias: Array = np.zeros(channels)
        if spatial:
            axes = len(spatial)
            one, none = (1,) * axes, (0,) * 2 * axes
            weight = np.broadcast_to(x.worth, channels).reshape(channels, 1, *one)
            return self._put(name, Conv(weight, bias, one, none, one, channels), [x])
        if channels > IDENTITY_LARGEST:
            raise UnsupportedError(
                f"{channels} numbers without synapses drive neurons; {IDENTITY_LARGEST} is the most"
            )
        weight = np.diag(np.broadcast_to(x.worth, channels))
        return self._put(name, Dense(weight, bias), [x])


def _per_channel(values: Array, shape: Shape) -> Array:
    return values.reshape(-1, *(1,) * (len(shape) - 1)) if values.ndim else values


def _times(op: Conv | Dense, worth: Array) -> Conv | Dense:
    """The synapses with weights times what 1 of each input channel is worth."""
    factor = worth
    if worth.ndim and isinstance(op, Conv):
        of_group = np.repeat(worth.reshape(op.groups, -1), len(op.weight) // op.groups, axis=0)
        factor = of_group.reshape(*op.weight.shape[:2], *(1,) * len(op.windows.kernel))
    weight: Array = op.weight.astype(np.float64) * factor
    return replace(op, weight=weight)


_RULES: dict[type[Op], Callable[[_Converter, str, Any, list[Wire]], Wire]] = {
    Input: _Converter.input,
    Conv: _Converter.synapses,
    Dense: _Converter.synapses,
    AveragePool: _Converter.pool,
    Flatten: _Converter.pool,
    MaxPool: _Converter.max_pool,
    Scale: _Converter.scale,
    Add: _Converter.add,
    Concat: _Converter.concat,
    Relu: _Converter.relu,
}
"""What every layer of an ANN becomes."""
