"""The graph: named operations and the edges between them, over `networkx.DiGraph`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TypeVar

import networkx as nx

from neurodeploy.errors import InputError
from neurodeploy.ir.ops import Delay, Op, Output
from neurodeploy.ir.types import TensorType

OpT = TypeVar("OpT", bound=Op)


class Graph:
    """An immutable graph of operations; every change makes a new one.

    `ops` maps names to operations; `edges` are (source, destination) pairs of names. The order of the names
    is that in which a time step computes, and the same for the same graph. Several edges into a neuron are summed.
    A cycle is allowed where it goes through a `Delay`, which comes first: its result is of an earlier step.

    Raises `InputError` for an edge without an end, a cycle without delay, or names that are not plain.
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
        self._graph = nx.freeze(graph)
        self._step = _without_feedback(graph)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All names, inputs first, in the order in which a step computes (insertion order among equals)."""
        rank = {name: i for i, name in enumerate(self._graph)}
        return tuple(nx.lexicographical_topological_sort(self._step, key=rank.__getitem__))

    @cached_property
    def feedback(self) -> frozenset[tuple[str, str]]:
        """Edges into delays that close a cycle: they come from a later layer of the same step."""
        return frozenset(set(self._graph.edges) - set(self._step.edges))

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

    def reaches(self, source: str, destination: str) -> bool:
        """True when the result of `destination` depends on that of `source`."""
        return bool(nx.has_path(self._graph, source, destination))

    def of(self, kind: type[OpT]) -> dict[str, OpT]:
        """Name and operation of every layer of one kind, in topological order."""
        return {n: op for n in self.names if isinstance(op := self.op(n), kind)}

    @cached_property
    def types(self) -> dict[str, TensorType]:
        """The type of every result; raises `InputError` naming the layer that does not fit."""
        types: dict[str, TensorType] = {}
        for name in self.names:
            try:
                types[name] = self.op(name).result(
                    tuple(types[s] for s in self.sources(name) if (s, name) not in self.feedback)
                )
            except InputError as error:
                raise type(error)(f"layer '{name}': {error}") from None
        for source, name in sorted(self.feedback):
            if types[source] != types[name]:
                raise InputError(
                    f"layer '{name}': passes on {types[name]}, but gets {types[source]} of '{source}'"
                )
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


def _without_feedback(graph: nx.DiGraph) -> nx.DiGraph:
    """The edges within one time step: without those by which a cycle enters a delay."""
    step = nx.DiGraph(graph)
    for group in nx.strongly_connected_components(graph):
        if len(group) > 1 or any(graph.has_edge(name, name) for name in group):
            delays = [name for name in group if isinstance(graph.nodes[name]["op"], Delay)]
            step.remove_edges_from([(s, d) for d in delays for s in graph.predecessors(d) if s in group])
    if not nx.is_directed_acyclic_graph(step):
        cycle = " -> ".join(source for source, _ in nx.find_cycle(step))
        raise InputError(f"the graph has a cycle without a delay ({cycle}); put a delay of one step into it")
    return step
