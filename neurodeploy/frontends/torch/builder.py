"""The graph while it grows: operations by name, their edges and the types of their results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.ir import LIF, Conv, Dense, Graph, Input, Op, Readout, Scale, Shape, verify
from neurodeploy.ir.types import TensorType
from neurodeploy.network import Note

LARGEST_DIAGONAL = 1 << 13


class Builder:
    """Collects layers in the order in which a step computes them. `taken` are names of the user's layers."""

    def __init__(self, taken: set[str], notes: list[Note]) -> None:
        self.ops: dict[str, Op] = {}
        self.types: dict[str, TensorType] = {}
        self.suspicions: list[str] = []
        self.memories: dict[int, Callable[[str], None]] = {}
        self._edges: list[tuple[str, str]] = []
        self._taken = taken
        self._notes = notes
        self._early: dict[str, npt.NDArray[Any]] = {}

    def add(self, name: str, op: Op, *sources: str) -> str:
        """Add a layer; a source that is not there yet is the end of a loop through a delay."""
        if len(set(sources)) < len(sources):
            raise UnsupportedError(f"layer '{name}' takes the result of '{sources[0]}' twice")
        op = self._without_early_bias(name, op, sources)
        try:
            self.types[name] = op.result(tuple(self.types[s] for s in sources if s in self.types))
        except InputError as error:
            raise type(error)(f"layer '{name}': {error}") from None
        self.ops[name] = op
        self._edges.extend((source, name) for source in sources)
        return name

    def reshape_input(self, name: str, shape: Shape) -> bool:
        """Give the network's input another shape of as many values; false where `name` is not it or is in use."""
        op = self.ops[name]
        if not isinstance(op, Input) or self.users(name):
            return False
        self.replace(name, replace(op, shape=shape))
        return True

    def connect(self, source: str, name: str) -> None:
        """Add an edge that closes a loop."""
        self._edges.append((source, name))

    def replace(self, name: str, op: Op) -> None:
        """Put another operation, with a result of the same use, in the place of one."""
        self.ops[name] = op
        self.types[name] = op.result(())

    def graph(self) -> Graph:
        """All of it, verified."""
        return verify(Graph(self.ops, self._edges))

    def is_neurons(self, name: str) -> bool:
        """True for a layer of neurons."""
        return isinstance(self.ops[name], (LIF, Readout))

    def users(self, name: str) -> list[str]:
        """Layers that take the result of `name` so far."""
        return [user for source, user in self._edges if source == name]

    def free(self, name: str) -> str:
        """The name, with '_' behind it as often as a layer is called so."""
        while name in self._taken or name in self.ops:
            name += "_"
        return name

    def note(self, layer: str, what: str) -> None:
        """Record what was assumed, dropped or rounded."""
        self._notes.append(Note(layer, what))

    def as_current(self, source: str) -> str:
        """The result of `source` as a current; where it is none, through synapses of weight 1."""
        if self.types[source].signal == "current":
            return source
        self.note(
            source, "goes to neurons without a layer of synapses between: synapses of weight 1 put there"
        )
        return self.add(self.free(f"{source}.synapses"), self.one_to_one(source, np.ones(())), source)

    def scaled(self, source: str, gain: Any, name: str) -> str:
        """The result of `source` times `gain`, which may be 1."""
        return source if np.all(np.asarray(gain) == 1.0) else self.add(name, Scale(gain), source)

    def one_to_one(self, source: str, weight: npt.NDArray[Any]) -> Dense | Conv:
        """Synapses from each value of `source` to the neuron in its place; see `one_to_one`."""
        return one_to_one(weight, self.types[source].shape)

    def starts_without(self, name: str, bias: npt.NDArray[Any]) -> None:
        """Say that the current `name` holds `bias`, which the module adds from the second step on only."""
        if bias.any():
            self._early[name] = bias

    def _without_early_bias(self, name: str, op: Op, sources: tuple[str, ...]) -> Op:
        """Neurons that start so far down that their bias has no effect in the first step; see `starts_without`."""
        early = [self._early[source] for source in sources if source in self._early]
        if not early:
            return op
        if not isinstance(op, LIF) or not (op.decay > 0.0).all() or op.current_decay.any():
            raise UnsupportedError(
                f"layer '{name}': its input has a bias that starts in the second step, which neurons that keep their "
                "potential and no current can express alone; set that bias to 0"
            )
        self.note(name, "starts below 0, so that the bias of its feedback has no effect in the first step")
        return replace(op, initial=op.initial - sum(early) / op.decay)


def one_to_one(weight: npt.NDArray[Any], shape: Shape) -> Dense | Conv:
    """Synapses from each value to the neuron in its place; `weight` is one number or broadcasts to `shape`.

    A diagonal matrix for one axis, a depthwise 1x1 convolution for more, where weights differ between channels only.
    """
    if len(shape) == 1:
        if shape[0] > LARGEST_DIAGONAL:
            raise UnsupportedError(
                f"one-to-one synapses of {shape[0]} neurons without channels would take {shape[0]}^2 weights; the "
                f"limit is {LARGEST_DIAGONAL} neurons. Put a layer of synapses there, or flatten behind the neurons"
            )
        return Dense(np.diag(np.broadcast_to(weight.astype(np.float32), shape)), np.zeros(shape, np.float32))
    axes = len(shape) - 1
    if weight.ndim and weight.shape[1:] != (1,) * axes:
        raise UnsupportedError(f"one-to-one weights of shape {weight.shape} must be the same over a channel")
    channels = np.broadcast_to(weight.astype(np.float32).reshape(-1), shape[:1])
    one, none = (1,) * axes, (0,) * (2 * axes)
    return Conv(
        channels.reshape(-1, 1, *one), np.zeros(shape[0], np.float32), one, none, one, groups=shape[0]
    )
