"""A network as a graph of few kinds of nodes, which all training rules run over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from neurodeploy.training.maps import Map, Sum
from neurodeploy.training.modules import Memory
from neurodeploy.training.neurons import LIF
from neurodeploy.training.normalization import Norm
from neurodeploy.training.synapses import Synapse


@dataclass(frozen=True, slots=True)
class Input:
    """Where the samples come in; always node 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Recalled:
    """y[t] = h[t-1] of the node that remembers in the same memory; nothing at t = 0."""

    memory: Memory


@dataclass(frozen=True, slots=True, eq=False)
class Remembered:
    """y = h, which the node that recalls from the same memory gives one step later."""

    memory: Memory

    def apply(self, h: torch.Tensor) -> torch.Tensor:
        """h itself."""
        return h

    def back(self, gradient: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """The gradient itself."""
        return gradient


Op = Input | Recalled | Synapse | Map | Norm | LIF | Sum


@dataclass(frozen=True, slots=True)
class Node:
    """One operation, the name of its layer, and the nodes whose values it takes."""

    name: str
    op: Op
    sources: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Network:
    """Nodes in an order in which they can be computed; the last one is the output.

    `sources` are of the same time step; feedback over one step goes from a `Remembered` to a `Recalled` node.
    """

    nodes: tuple[Node, ...]

    def of(self, kind: type[Any]) -> tuple[int, ...]:
        """The nodes whose operation is of this class."""
        return tuple(i for i, node in enumerate(self.nodes) if isinstance(node.op, kind))

    def feedback(self) -> dict[int, int]:
        """The node that remembers, by the one before it that recalls."""
        kept = {id(n.op.memory): i for i, n in enumerate(self.nodes) if isinstance(n.op, Remembered)}
        recalled = ((i, n.op) for i, n in enumerate(self.nodes) if isinstance(n.op, Recalled))
        return {i: kept[id(op.memory)] for i, op in recalled}

    def late(self) -> frozenset[int]:
        """The nodes that have no value in the first time step, as all they take is recalled."""
        found = set(self.of(Recalled))
        for i, node in enumerate(self.nodes):
            if node.sources and found.issuperset(node.sources):
                found.add(i)
        return frozenset(found)

    def moving(self, time_axis: bool) -> frozenset[int]:
        """The nodes whose value can change over time, of an input that does (`time_axis`) or not."""
        return self.above((*((0,) if time_axis else self.of(LIF)), *self.of(Recalled)))

    def dtype(self) -> torch.dtype:
        """That of the first synapse's weights."""
        return self.synapses()[0].weight.dtype

    def synapses(self) -> list[Synapse]:
        """The synapses, first layer first."""
        return [node.op for node in self.nodes if isinstance(node.op, Synapse)]

    def refresh(self) -> None:
        """Have every synapse compute its effective weight anew."""
        for synapse in self.synapses():
            synapse.refresh()

    def above(self, starts: tuple[int, ...]) -> frozenset[int]:
        """`starts` and all nodes that depend on them."""
        found = set(starts)
        for i, node in enumerate(self.nodes):
            if found.intersection(node.sources):
                found.add(i)
        return frozenset(found)

    def below(self, ends: tuple[int, ...], stop: tuple[int, ...] = ()) -> frozenset[int]:
        """`ends` and all nodes they depend on, not looking beyond the nodes of `stop`."""
        found = set(ends)
        for i in reversed(range(len(self.nodes))):
            if i in found and i not in stop:
                found.update(self.nodes[i].sources)
        return frozenset(found)
