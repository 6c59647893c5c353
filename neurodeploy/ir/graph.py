"""The graph: named operations and the edges between them, over `networkx.DiGraph`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TypeVar

import networkx as nx

from neurodeploy.errors import InputError
from neurodeploy.ir.ops import Op, Output
from neurodeploy.ir.types import TensorType

OpT = TypeVar("OpT", bound=Op)


class Graph:
    """An immutable graph of operations; every change makes a new one.

    `ops` maps names to operations; `edges` are (source, destination) pairs of names. The order of the names
    is topological, and the same for the same graph. Several edges into a neuron are summed.

    Raises `InputError` for an edge without an end, a cycle, or names that are not plain.
    """

    def __init__(self, ops: Mapping[str, Op], edges: Iterable[tuple[str, str]]) -> None:
        graph = nx.DiGraph()
        for name, op in ops.items():
            if not name.replace("_", "a").replace(".", "a").isalnum():
                raise InputError(f"layer name {name!r} must be letters, digits, '_' and '.'")
            graph.add_node(name, op=op)
        for source, destination in edges:
            for end in (source, destination):
                if end not in ops:
                    raise InputError(f"edge {source} -> {destination}: there is no layer {end!r}")
            if graph.has_edge(source, destination):
                raise InputError(f"edge {source} -> {destination} is there twice")
            graph.add_edge(source, destination)
        if not nx.is_directed_acyclic_graph(graph):
            cycle = " -> ".join(source for source, _ in nx.find_cycle(graph))
            raise InputError(f"the graph has a cycle ({cycle}); recurrent edges are not supported")
        self._graph = nx.freeze(graph)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All names, inputs first, in topological order (insertion order among equals)."""
        rank = {name: i for i, name in enumerate(self._graph)}
        return tuple(nx.lexicographical_topological_sort(self._graph, key=rank.__getitem__))

    def op(self, name: str) -> Op:
        """The operation called `name`."""
        found: Op = self._graph.nodes[name]["op"]
        return found

    def sources(self, name: str) -> tuple[str, ...]:
        """Names whose results `name` takes, in the order in which the edges were added."""
        return tuple(self._graph.predecessors(name))

    def users(self, name: str) -> tuple[str, ...]:
        """Names that take the result of `name`."""
        return tuple(self._graph.successors(name))

    @property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """All edges, ordered by destination, then as they were added."""
        return tuple((source, name) for name in self.names for source in self.sources(name))

    def of(self, kind: type[OpT]) -> dict[str, OpT]:
        """Name and operation of every layer of one kind, in topological order."""
        return {n: op for n in self.names if isinstance(op := self.op(n), kind)}

    @cached_property
    def types(self) -> dict[str, TensorType]:
        """The type of every result; raises `InputError` naming the layer that does not fit."""
        types: dict[str, TensorType] = {}
        for name in self.names:
            try:
                types[name] = self.op(name).result(tuple(types[s] for s in self.sources(name)))
            except InputError as error:
                raise type(error)(f"layer '{name}': {error}") from None
        return types

    @property
    def output(self) -> str:
        """Name of the layer whose result is the network's."""
        return self.sources(next(iter(self.of(Output))))[0]

    def replaced(self, ops: Mapping[str, Op]) -> Graph:
        """A graph with the same names and edges, in which some operations are others."""
        return Graph({n: ops.get(n, self.op(n)) for n in self.names}, self.edges)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Graph):
            return NotImplemented
        same_shape = self.names == other.names and set(self.edges) == set(other.edges)
        return same_shape and all(self.op(n) == other.op(n) for n in self.names)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        from neurodeploy.ir.text import to_text

        return to_text(self)
