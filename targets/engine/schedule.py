"""In what order the layers of a graph compute, and how long their results are needed."""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx

from neurodeploy.ir import Flatten, Graph, IntInput, IntSynapses


@dataclass(frozen=True, slots=True)
class Stage:
    """Layers that compute together, in the order of a step: one layer, or all those of a cycle."""

    names: tuple[str, ...]
    cyclic: bool


def stages(graph: Graph) -> tuple[Stage, ...]:
    """The stages in topological order."""
    rank = {name: i for i, name in enumerate(graph.names)}
    edges = nx.DiGraph()
    edges.add_nodes_from(graph.names)
    edges.add_edges_from(graph.edges)
    merged = nx.condensation(edges)
    groups = {c: tuple(sorted(names, key=rank.__getitem__)) for c, names in merged.nodes(data="members")}
    order = nx.lexicographical_topological_sort(merged, key=lambda c: rank[groups[c][0]])
    return tuple(Stage(groups[c], len(groups[c]) > 1) for c in order)


def last_uses(graph: Graph, order: tuple[Stage, ...]) -> tuple[frozenset[str], ...]:
    """For each stage the layers whose results no later stage takes."""
    place = {name: i for i, stage in enumerate(order) for name in stage.names}
    last = {name: max([place[name], *(place[user] for user in graph.users(name))]) for name in graph.names}
    return tuple(frozenset(name for name in graph.names if last[name] == i) for i in range(len(order)))


def unchanging(graph: Graph) -> frozenset[str]:
    """The layers whose result is the same in every step when the input is."""
    found: set[str] = set()
    for name in graph.names:
        op, sources = graph.op(name), graph.sources(name)
        passes_on = isinstance(op, (IntSynapses, Flatten)) and all(source in found for source in sources)
        if isinstance(op, IntInput) or passes_on:
            found.add(name)
    return frozenset(found)
