"""Cycles of a NIR graph: which edges close them, and where the delay lies that NIR does not write.

Every framework lets a recurrent edge carry what came out one step before, and nothing in step 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import networkx as nx

from neurodeploy.errors import UnsupportedError
from neurodeploy.frontends.nir.file import Edge
from neurodeploy.frontends.nir.layers import LINEAR, has_bias
from neurodeploy.frontends.nir.node import Node

_ROOT = ""


@dataclass(frozen=True, slots=True)
class Cycles:
    """`order` of the nodes within a step, `feedback` edges against it, those `undelayed`, and nodes in cycles."""

    order: tuple[str, ...]
    feedback: frozenset[Edge]
    undelayed: frozenset[Edge]
    members: frozenset[str]


def find_cycles(nodes: Mapping[str, Node], edges: Iterable[Edge]) -> Cycles:
    """The cycles of a graph.

    A feedback edge leads to a node through which everything on the cycle is reached from the input. Raises
    `UnsupportedError` for a cycle that can be entered at two nodes, which has none.
    """
    graph = nx.DiGraph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from(edges)
    groups = list(nx.strongly_connected_components(graph))
    members = frozenset(n for g in groups if len(g) > 1 or any(graph.has_edge(n, n) for n in g) for n in g)
    feedback = frozenset(_feedback(graph))
    step = nx.DiGraph(graph)
    step.remove_edges_from(feedback)
    if not nx.is_directed_acyclic_graph(step):
        raise _ambiguous(nx.find_cycle(step))
    rank = {name: i for i, name in enumerate(nodes)}
    order = tuple(nx.lexicographical_topological_sort(step, key=rank.__getitem__))
    return Cycles(order, feedback, frozenset(_undelayed(nodes, graph, feedback)), members)


def _feedback(graph: nx.DiGraph) -> Iterable[Edge]:
    """Edges whose end dominates their start."""
    rooted = nx.DiGraph(graph)
    rooted.add_edges_from((_ROOT, name) for name in graph if graph.in_degree(name) == 0)
    if _ROOT not in rooted:
        return
    above = nx.immediate_dominators(rooted, _ROOT)
    for source, destination in graph.edges:
        at = source
        while at != destination and above.get(at, at) not in (at, None):
            at = above[at]
        if at == destination:
            yield source, destination


def _undelayed(nodes: Mapping[str, Node], graph: nx.DiGraph, feedback: Iterable[Edge]) -> Iterable[Edge]:
    """Feedback edges that close a cycle without Delay."""
    plain = graph.subgraph([name for name, node in nodes.items() if node.kind != "Delay"])
    for source, destination in feedback:
        around = source in plain and destination in plain and nx.has_path(plain, destination, source)
        if around:
            _refuse_both(nodes, graph, source, destination)
            yield source, destination


def _refuse_both(nodes: Mapping[str, Node], graph: nx.DiGraph, source: str, destination: str) -> None:
    """Refuse an edge that closes a cycle without Delay and one with a Delay."""
    inside = graph.subgraph([name for name in graph if name != destination or source == destination])
    for name, node in nodes.items():
        if node.kind == "Delay" and nx.has_path(inside, name, source):
            raise UnsupportedError(
                f"edge {source} -> {destination} closes a cycle with {node} and one without a Delay; "
                "whether the second has a delay of one step is not said: put Delay nodes into all"
            )


def _ambiguous(cycle: list[Edge]) -> UnsupportedError:
    names = " -> ".join(source for source, *_ in cycle)
    return UnsupportedError(
        f"the cycle {names} is not entered at exactly one node, so where its delay of one step lies is not said; "
        "put a Delay node into it"
    )


def upstream(edge: Edge, nodes: Mapping[str, Node], edges: Iterable[Edge], through_bias: bool) -> Edge:
    """The edge at which a delay does the same as at `edge`, as near to the neurons before it as it gets.

    A delay may move to before a node that only adds up and only leads here; one with a bias, which then acts in
    step 0 too, is passed `through_bias` only.
    """
    listed = list(edges)
    while nodes[edge[0]].kind in LINEAR and (through_bias or not has_bias(nodes[edge[0]])):
        before = [e for e in listed if e[1] == edge[0]]
        if len(before) != 1 or sum(e[0] == edge[0] for e in listed) != 1:
            break
        edge = before[0]
    return edge


def biased_behind(edge: Edge, nodes: Mapping[str, Node], edges: Iterable[Edge]) -> list[Node]:
    """Nodes with a bias between an edge and the neurons before it, as far as the way there does not branch."""
    listed = list(edges)
    biased = []
    while nodes[edge[0]].kind in LINEAR:
        if has_bias(nodes[edge[0]]):
            biased.append(nodes[edge[0]])
        before = [e for e in listed if e[1] == edge[0]]
        if len(before) != 1:
            break
        edge = before[0]
    return biased
