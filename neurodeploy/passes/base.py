"""What a pass is, and the runner that keeps the graph valid between passes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Protocol

from neurodeploy.errors import NeurodeployError
from neurodeploy.ir import Graph, Input, verify
from neurodeploy.network import Note

Notes = list[Note]
AfterPass = Callable[[str, Graph, float], None]
Check = Callable[[Graph, Graph], None]


class Pass(Protocol):
    """A step of the compiler: a frozen dataclass whose fields are its options."""

    @property
    def name(self) -> str:
        """Its name, in kebab case."""
        ...

    def apply(self, graph: Graph, notes: Notes) -> Graph:
        """A new graph; what was rounded or assumed is appended to `notes`."""
        ...


def run_passes(
    graph: Graph,
    passes: Iterable[Pass],
    notes: Notes,
    after: AfterPass | None = None,
    check: Check | None = None,
) -> Graph:
    """Apply the passes in order; the graph is verified before the first and after each.

    `after(name, graph, seconds)` is called after each pass; `check(before, after)` after each that keeps the graph
    a float graph. An error of a pass is re-raised with its name.
    """
    verify(graph)
    for one in passes:
        start, before = perf_counter(), graph
        try:
            graph = verify(one.apply(graph, notes))
            if check is not None and graph.of(Input):
                check(before, graph)
        except NeurodeployError as error:
            raise type(error)(f"{one.name}: {error}") from None
        if after is not None:
            after(one.name, graph, perf_counter() - start)
    return graph
