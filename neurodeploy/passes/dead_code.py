"""Layers that change nothing are left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from neurodeploy.ir import AveragePool, Flatten, Graph, Input, MaxPool, Op, Output, Scale, SumPool, TensorType
from neurodeploy.network import Note
from neurodeploy.passes.base import Notes


@dataclass(frozen=True, slots=True)
class DeadCode:
    """Float graph -> the same function with fewer layers.

    1. A layer on which no output depends is left out; the input stays.
    2. A layer whose result is its input is left out: Scale by 1, a pool of single elements, Flatten of one axis.
       It stays where it makes values of spikes, or where its source and its user are connected already.
    """

    name: ClassVar[str] = "dead-code"

    def apply(self, graph: Graph, notes: Notes) -> Graph:
        """See the class."""
        return _without_identities(_without_unused(graph, notes), notes)


def _without_unused(graph: Graph, notes: Notes) -> Graph:  # rule 1
    used = {*graph.of(Input), *graph.of(Output)}
    waiting = list(graph.of(Output))
    while waiting:
        new = set(graph.sources(waiting.pop())) - used
        used |= new
        waiting += sorted(new)
    for name in graph.names:
        if name not in used:
            notes.append(Note(name, "left out: the output does not depend on it"))
    ops = {name: graph.op(name) for name in graph.names if name in used}
    return Graph(ops, [(a, b) for a, b in graph.edges if a in used and b in used])


def _without_identities(graph: Graph, notes: Notes) -> Graph:  # rule 2
    for name in graph.names:
        source = graph.sources(name)[0] if len(graph.sources(name)) == 1 else None
        if source is None or not _is_identity(graph.op(name), graph.types[source], graph.types[name]):
            continue
        users = graph.users(name)
        if any(source in graph.sources(user) for user in users):
            continue
        notes.append(Note(name, f"left out: its result is that of '{source}'"))
        ops = {n: graph.op(n) for n in graph.names if n != name}
        edges = [(source if a == name else a, b) for a, b in graph.edges if b != name]
        graph = Graph(ops, edges)
    return graph


def _is_identity(op: Op, given: TensorType, result: TensorType) -> bool:
    if given != result:
        return False
    if isinstance(op, Scale):
        return bool((op.scale == 1).all() and not op.shift.any())
    if isinstance(op, (SumPool, AveragePool, MaxPool)):
        return set(op.kernel) == {1}
    return isinstance(op, Flatten)
