"""What every front end returns."""

from __future__ import annotations

from dataclasses import dataclass

from neurodeploy.ir import Graph
from neurodeploy.network import Note


@dataclass(frozen=True, slots=True)
class Imported:
    """A float graph and the list of everything that was assumed, defaulted or dropped on the way."""

    graph: Graph
    notes: tuple[Note, ...]
