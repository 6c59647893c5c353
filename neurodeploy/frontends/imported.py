"""What every front end returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from neurodeploy.ir import Graph
from neurodeploy.network import Note
from neurodeploy.quant import InputGrid


@dataclass(frozen=True, slots=True)
class Imported:
    """A float graph and the list of everything that was assumed, defaulted or dropped on the way.

    `grid` is that of the input where the model knows it without data, and `calibration` says which data gave it.
    """

    graph: Graph
    notes: tuple[Note, ...]
    grid: InputGrid | None = None
    calibration: Mapping[str, Any] = field(default_factory=dict)
