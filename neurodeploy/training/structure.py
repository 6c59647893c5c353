"""A network as a graph of few kinds of nodes, which all training rules run over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from neurodeploy.training.maps import Map, Sum
from neurodeploy.training.neurons import LIF
from neurodeploy.training.normalization import Norm
from neurodeploy.training.synapses import Synapse


@dataclass(frozen=True, slots=True)
class Input:
    """Where the samples come in; always node 0."""


Op = Input | Synapse | Map | Norm | LIF | Sum


@dataclass(frozen=True, slots=True)
class Node:
    """One operation, the name of its layer, and the nodes whose values it takes."""

    name: str
    op: Op
    sources: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Network:
    """Nodes in an order in which they can be computed; the last one is the output."""

    nodes: tuple[Node, ...]

    def of(self, kind: type[Any]) -> tuple[int, ...]:
        """The nodes whose operation is of this class."""
        return tuple(i for i, node in enumerate(self.nodes) if isinstance(node.op, kind))

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
