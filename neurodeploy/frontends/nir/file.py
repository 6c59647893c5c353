"""From the groups of a NIR file to one flat graph of nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from neurodeploy.errors import InputError
from neurodeploy.frontends.hdf5 import Group
from neurodeploy.frontends.nir.node import Node, make_node
from neurodeploy.network import Note

Edge = tuple[str, str]


@dataclass(frozen=True, slots=True)
class NirGraph:
    """Nodes by name and the edges between them; nested graphs are laid flat, their nodes called `outer.inner`."""

    nodes: dict[str, Node]
    edges: tuple[Edge, ...]
    notes: tuple[Note, ...]


def read_graph(root: Group) -> NirGraph:
    """The graph in the groups of a file.

    Raises `InputError` for one that is damaged (naming the node), has edges without ends or twice, or two nodes of
    one name; `UnsupportedError` for kinds of nodes, or fields of them, that are unknown.
    """
    if "node" not in root.groups:
        raise InputError(
            f"it has no group 'node', but {root.names[:8]}; not a NIR file of version 0.1 or later"
        )
    flat = _Flat()
    flat.take(root.groups["node"], "")
    edges = flat.joined()
    _check(flat.nodes, edges)
    return NirGraph(flat.nodes, edges, tuple(flat.notes))


@dataclass(slots=True)
class _Flat:
    """Collects nodes and edges; `borders` are the Input and Output nodes of nested graphs, which only pass on."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    borders: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def take(self, group: Group, prefix: str) -> None:
        """Take the nodes and edges of a graph whose nodes are called `prefix` and their own name."""
        where = f"graph '{prefix[:-1]}'" if prefix else "the graph"
        kind = group.values.get("type", "NIRGraph" if not prefix else "")
        kind = kind if isinstance(kind, str) else "numbers"
        if kind != "NIRGraph" or "nodes" not in group.groups or "edges" not in group.values:
            raise InputError(
                f"{where} must be a NIRGraph with nodes and edges, not {kind!r} with {group.names[:8]}"
            )
        entries: dict[str, str] = {}
        exits: dict[str, str] = {}
        for name, child in group.groups["nodes"].groups.items():
            entries[name], exits[name] = self._node(prefix + _plain(name, self.notes), child)
        for name in group.groups["nodes"].values:
            raise InputError(f"{where}: node '{name}' must be a group, not an array")
        for source, destination in _edges(group, where):
            for end in (source, destination):
                if end not in entries:
                    raise InputError(f"{where}: edge {source} -> {destination}: there is no node '{end}'")
            self.edges.append((exits[source], entries[destination]))

    def _node(self, name: str, group: Group) -> Edge:
        """Take one node; the names at which edges to and from it end."""
        kind = group.values.get("type")
        if not isinstance(kind, str):
            raise InputError(f"node '{name}' does not say its type; the names of nodes must not hold '/'")
        if kind != "NIRGraph":
            self._add(make_node(name, kind, group))
            return name, name
        before = set(self.nodes)
        self.take(group, f"{name}.")
        inner = {n: self.nodes[n] for n in self.nodes if n not in before and n not in self.borders}
        ends = [self._border(name, inner, kind) for kind in ("Input", "Output")]
        return ends[0], ends[1]

    def _border(self, graph: str, inner: dict[str, Node], kind: str) -> str:
        found = [name for name, node in inner.items() if node.kind == kind]
        if len(found) != 1:
            raise InputError(
                f"graph '{graph}' must have one {kind}, not {len(found)} ({', '.join(found) or 'none'}): "
                "an edge to it does not say which it means"
            )
        self.borders.append(found[0])
        return found[0]

    def _add(self, node: Node) -> None:
        if node.name in self.nodes:
            raise InputError(
                f"two nodes are called '{node.name}' (names may hold letters, digits, '_' and '.')"
            )
        self.nodes[node.name] = node

    def joined(self) -> tuple[Edge, ...]:
        """All edges, without the borders of nested graphs."""
        edges = list(self.edges)
        for border in self.borders:
            before = [s for s, d in edges if d == border]
            after = [d for s, d in edges if s == border]
            if border in before:
                raise InputError(f"node '{border}' feeds itself")
            edges = [e for e in edges if border not in e] + [(s, d) for s in before for d in after]
            del self.nodes[border]
        return tuple(edges)


def _plain(name: str, notes: list[Note]) -> str:
    """The name in letters, digits, '_' and '.'."""
    plain = "".join(c if c.isalnum() or c in "_." else "_" for c in name)
    if plain != name:
        notes.append(
            Note(plain, f"is called {name!r} in the file; names may hold letters, digits, '_' and '.'")
        )
    return plain


def _edges(group: Group, where: str) -> Iterator[Edge]:
    rows = group.values["edges"]
    if isinstance(rows, str) or (
        rows.size and (rows.dtype.kind != "U" or rows.ndim != 2 or rows.shape[1] != 2)
    ):
        kind = "one text" if isinstance(rows, str) else f"{rows.dtype} {rows.shape}"
        raise InputError(f"{where}: edges must be pairs of names, not {kind}")
    yield from ((str(source), str(destination)) for source, destination in rows.reshape(-1, 2))


def _check(nodes: dict[str, Node], edges: tuple[Edge, ...]) -> None:
    seen = set()
    for source, destination in edges:
        if (source, destination) in seen:
            raise InputError(
                f"edge {source} -> {destination} is there twice; whether it counts twice is not said"
            )
        seen.add((source, destination))
    for kind in ("Input", "Output"):
        found = [name for name, node in nodes.items() if node.kind == kind]
        if len(found) != 1:
            raise InputError(
                f"a network must have one {kind}, not {len(found)} ({', '.join(found) or 'none'})"
            )
    sources, destinations = {source for source, _ in edges}, {destination for _, destination in edges}
    for name, node in nodes.items():
        if node.kind != "Input" and name not in destinations and not _drives_itself(node):
            raise InputError(f"{node}: no edge leads to it")
        if node.kind != "Output" and name not in sources:
            raise InputError(f"{node}: no edge leads from it")


def _drives_itself(node: Node) -> bool:
    return "v_leak" in node and bool(node.numbers("v_leak").any())
