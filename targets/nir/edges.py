"""Edges of the float graph as edges of NIR: sums and the delays of cycles are not written, but meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from neurodeploy.errors import NeurodeployError, UnsupportedError
from neurodeploy.frontends.hdf5 import Group
from neurodeploy.frontends.nir.cycles import biased_behind, find_cycles, upstream
from neurodeploy.frontends.nir.file import Edge, read_graph
from neurodeploy.ir import Add, Delay, Graph


def without_sums(graph: Graph) -> list[Edge]:
    """Edges past every `Add`: several edges into a node add up.

    Raises `UnsupportedError` where a result would reach a node on two ways, which NIR does not say twice.
    """
    edges = past(graph.edges, graph.of(Add))
    for edge in edges:
        if edges.count(edge) > 1:
            raise UnsupportedError(
                f"layer '{edge[1]}': adds '{edge[0]}' more than once, which NIR's edges cannot say"
            )
    return edges


def past(edges: Iterable[Edge], names: Iterable[str]) -> list[Edge]:
    """Edges from what leads to a name to where it leads, for every one of `names`."""
    left = list(edges)
    for name in names:
        before, after = [s for s, d in left if d == name], [d for s, d in left if s == name]
        left = [edge for edge in left if name not in edge] + [(s, d) for s in before for d in after]
    return left


def implied_delays(graph: Graph, nodes: Mapping[str, Group], edges: list[Edge]) -> tuple[frozenset[str], str]:
    """Delays of one step that need not be written, and the `recurrence` with which they are read back.

    Those in cycles, if a reader puts them where they are; none of them, if not.
    """
    cyclic = {name for _, name in graph.feedback}
    single = frozenset(name for name, op in graph.of(Delay).items() if name in cyclic and op.steps == 1)
    wanted = {(s, d) for name in single for s in _ends(edges, name, 0) for d in _ends(edges, name, 1)}
    for recurrence in ("spikes", "currents"):
        if single and _read_back(nodes, past(edges, single), single, recurrence) == wanted:
            return single, recurrence
    return frozenset(), "spikes"


def _ends(edges: list[Edge], name: str, end: int) -> list[str]:
    return [edge[end] for edge in edges if edge[1 - end] == name]


def _read_back(
    nodes: Mapping[str, Group], edges: list[Edge], single: frozenset[str], recurrence: str
) -> set[Edge] | None:
    """The edges that a reader delays, or None where it finds no one meaning."""
    try:
        found = read_graph(
            Group(groups={"node": graph_group({n: g for n, g in nodes.items() if n not in single}, edges)})
        )
        cycles = find_cycles(found.nodes, found.edges)
        placed = {
            upstream(edge, found.nodes, found.edges, through_bias=recurrence == "spikes")
            for edge in cycles.undelayed
        }
        late = [edge for edge in placed if biased_behind(edge, found.nodes, found.edges)]
        return None if recurrence == "spikes" and late else placed
    except NeurodeployError:
        return None


def graph_group(nodes: Mapping[str, Group], edges: list[Edge]) -> Group:
    """A NIRGraph with these nodes and edges."""
    pairs = np.array(sorted(edges), str).reshape(-1, 2)
    return Group({"type": "NIRGraph", "edges": pairs}, {"nodes": Group(groups=dict(nodes))})
