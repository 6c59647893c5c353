from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest

from neurodeploy.errors import FitError, InputError
from neurodeploy.ir import Flatten, Graph
from neurodeploy.passes import Notes, run_passes
from tests.nets import chain


@dataclass(frozen=True, slots=True)
class Breaks:
    """A pass that leaves a layer whose result nothing uses."""

    name: ClassVar[str] = "breaks"

    def apply(self, graph: Graph, notes: Notes) -> Graph:
        ops = {name: graph.op(name) for name in graph.names}
        return Graph({**ops, "extra": Flatten()}, [*graph.edges, ("in", "extra")])


@dataclass(frozen=True, slots=True)
class Refuses:
    name: ClassVar[str] = "refuses"

    def apply(self, graph: Graph, notes: Notes) -> Graph:
        raise FitError("too large")


def test_graph_is_verified_after_each_pass() -> None:
    with pytest.raises(InputError, match=r"^breaks: layer 'extra': its result is not used"):
        run_passes(chain().graph, [Breaks()], [])


def test_graph_is_verified_before_the_first() -> None:
    with pytest.raises(InputError, match=r"^layer 'extra'"):
        run_passes(Breaks().apply(chain().graph, []), [], [])


def test_error_keeps_its_class_and_names_the_pass() -> None:
    with pytest.raises(FitError, match=r"^refuses: too large$"):
        run_passes(chain().graph, [Refuses()], [])
