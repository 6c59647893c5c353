"""Operations of the float graph while it is put together: their types, and what lies in front of a node."""

from __future__ import annotations

from typing import Any, cast

from neurodeploy.errors import InputError
from neurodeploy.frontends.nir.file import Edge
from neurodeploy.frontends.nir.layers import identity
from neurodeploy.ir import LIF, Delay, Flatten, Graph, Op, Readout, TensorType, verify
from neurodeploy.network import Note


class Parts:
    """Operations by name, and links between them. A link from a later operation of a step must be delayed."""

    def __init__(self, names: frozenset[str]) -> None:
        self._reserved = names
        self.ops: dict[str, Op] = {}
        self.types: dict[str, TensorType] = {}
        self.links: list[Edge] = []
        self.notes: list[Note] = []
        self._front: dict[str, list[str]] = {}

    def add(self, name: str, op: Op, *given: TensorType) -> str:
        """Take an operation, behind those that lie in front of it; returns its name."""
        self.ops[name], self.types[name] = op, _type(name, op, given)
        if name in self._front:
            self.links.append((self._front[name][-1], name))
        return name

    def put_in_front(self, name: str, what: str, op: Op, *given: TensorType) -> TensorType:
        """Put an operation before one that comes, behind those that lie there; returns the type of its result."""
        inner = self.add(self.free(f"{name}.{what}"), op, *given)
        front = self._front.setdefault(name, [])
        if front:
            self.links.append((front[-1], inner))
        front.append(inner)
        return self.types[inner]

    def entry(self, name: str) -> str:
        """The operation that takes what is meant for `name`."""
        return self._front.get(name, [name])[0]

    def exit(self, name: str, source: str) -> str:
        """The last operation in front of a `name` that is left out, or `source`."""
        return self._front.get(name, [source])[-1]

    def free(self, name: str) -> str:
        """The name, with '_' behind it as often as it is taken."""
        while name in self.ops or name in self._reserved:
            name += "_"
        return name

    def note(self, name: str, what: str) -> None:
        """Record something that was assumed."""
        self.notes.append(Note(name, what))

    def current(self, source: str, destination: str) -> str:
        """The name of synapses of weight one between two, or of `source` where that is a current already."""
        given = self.types[source]
        if given.signal == "current":
            return source
        name = self.add(self.free(f"{source}.{destination}"), identity(given.shape), given)
        self.links.append((source, name))
        self.note(destination, f"gets '{source}' without synapses: '{name}' has weight one")
        return name

    def delay(self, link: Edge, steps: int) -> None:
        """Delay what a link carries; links that carry the same equally late share the delay."""
        start, end = link
        given = self.types[start]
        name = f"{start}.delay" if steps == 1 else f"{start}.delay{steps}"
        if (start, name) not in self.links:
            name = self.add(self.free(name), Delay(given.shape, steps, cast(Any, given.signal)), given)
            self.links.append((start, name))
        self.links[self.links.index(link)] = (name, end)

    def before_flattening(self, name: str) -> str:
        """What a chain of `Flatten` was given: its numbers in their own shape."""
        while isinstance(self.ops[name], Flatten):
            name = next(source for source, destination in self.links if destination == name)
        return name

    def graph(self) -> Graph:
        """The graph, without a `Flatten` that leads nowhere."""
        links, ops = list(self.links), dict(self.ops)
        while idle := [
            n for n, op in ops.items() if isinstance(op, Flatten) and all(s != n for s, _ in links)
        ]:
            links = [link for link in links if link[1] not in idle]
            ops = {name: op for name, op in ops.items() if name not in idle}
        return verify(Graph(ops, links))


def _type(name: str, op: Op, given: tuple[TensorType, ...]) -> TensorType:
    """The type of a result; of neurons without looking at what comes in, which a cycle may leave open."""
    if isinstance(op, (LIF, Readout)):
        return TensorType(op.shape, "spike" if isinstance(op, LIF) else "potential")
    try:
        return op.result(given)
    except InputError as error:
        raise type(error)(f"node '{name}': {error}") from None
