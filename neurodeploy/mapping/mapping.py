"""A network on the cores of one or several chips: the mapper's result, and its plain values in an artefact."""

from __future__ import annotations

from collections.abc import Mapping as Values
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from neurodeploy.cost import Placement
from neurodeploy.errors import ArtifactError
from neurodeploy.mapping.links import Link
from neurodeploy.network import Network
from neurodeploy.resources import Layers, Part, layers

CORES_MAX = 1 << 18
"""More cores than any board has."""


@dataclass(frozen=True, slots=True)
class MappedCore:
    """One core in use: its number, chip and place, seconds of a step, the fullest resource and its share (0 to 1)."""

    core: int
    chip: int
    tile: tuple[int, int]
    parts: tuple[str, ...]
    seconds: float
    binding: str
    share: float


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which neurons are on which core of which chip, and what a step is expected to take.

    `cuts`: how many pieces each layer is cut into along its axes. `joules` and `seconds` are expected means of a step,
    by `activity`: every event, hops as if cores were placed at random, static power; `unknown` names the coefficients
    that are needed and not public: without them both are lower bounds. `packets` are those of a step that go
    from one core to another, `crossings` those of them that go to another chip, `links` what they sum to on the ways
    between tiles. `utilisation` is the mean share of the fullest resource over the cores in use. `board`
    None: one chip.
    """

    chip: str
    board: str | None
    chips: int
    objective: str
    activity: str
    cuts: Values[str, tuple[int, ...]]
    placement: Placement
    cores: tuple[MappedCore, ...]
    packets: float
    crossings: float
    links: tuple[Link, ...]
    joules: float
    seconds: float
    unknown: tuple[str, ...]

    @property
    def edp(self) -> float:
        """Energy-delay product of a step, J s."""
        return self.joules * self.seconds

    @property
    def utilisation(self) -> float:
        """Mean over the cores in use of the share of their fullest resource."""
        return float(np.mean([core.share for core in self.cores]))

    def to_dict(self) -> dict[str, Any]:
        """Plain values; floats keep six digits, so that the same mapping is the same text on every machine."""
        return {
            "chip": self.chip,
            "board": self.board,
            "chips": self.chips,
            "objective": self.objective,
            "activity": self.activity,
            "cuts": {name: list(grid) for name, grid in self.cuts.items()},
            "joules": _rounded(self.joules),
            "seconds": _rounded(self.seconds),
            "edp": _rounded(self.edp),
            "unknown": list(self.unknown),
            "packets": _rounded(self.packets),
            "crossings": _rounded(self.crossings),
            "utilisation": _rounded(self.utilisation),
            "rows": self.placement.rows,
            "columns": self.placement.columns,
            "cores_per_tile": self.placement.cores_per_tile,
            "cores": [_core(self.placement, core) for core in self.cores],
            "links": [[*link.source, *link.target, _rounded(link.packets)] for link in self.links],
        }


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def _core(placement: Placement, core: MappedCore) -> dict[str, Any]:
    return {
        "core": core.core,
        "chip": core.chip,
        "tile": list(core.tile),
        "parts": [[part.layer, [list(ends) for ends in part.box]] for part in placement.cores[core.core]],
        "seconds": _rounded(core.seconds),
        "binding": core.binding,
        "share": _rounded(core.share),
    }


def stored_placement(network: Network, chip: str) -> Placement | None:
    """The placement that a network's record holds for `chip`, None where it holds none.

    Raises `ArtifactError` where the record does not place every neuron exactly once.
    """
    found = network.provenance.get("mapping")
    if found is None or not isinstance(found, dict) or found.get("chip") != chip:
        return None
    try:
        held: dict[int, tuple[Part, ...]] = {
            int(core["core"]): tuple(
                Part(name, tuple((int(a), int(b)) for a, b in box)) for name, box in core["parts"]
            )
            for core in found["cores"]
        }
        _check_cover(layers(network.graph), held)
        if min(held) < 0 or max(held) >= CORES_MAX:
            raise ArtifactError(
                f"its mapping numbers cores {min(held)}..{max(held)}; they go from 0 to {CORES_MAX - 1}"
            )
        every = tuple(held.get(core, ()) for core in range(max(held) + 1))
        rows, per_tile = int(found["rows"]), int(found["cores_per_tile"])
        columns = None if found["columns"] is None else int(found["columns"])
        if min(rows, per_tile, 1 if columns is None else columns) < 1:
            raise ArtifactError(
                f"its mapping has {rows} rows, {columns} columns and {per_tile} cores a tile; each must be 1 or more"
            )
        return Placement(every, rows, per_tile, columns)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ArtifactError(f"its mapping is damaged: {type(error).__name__} {error}") from None


def _check_cover(network: Layers, held: Values[int, tuple[Part, ...]]) -> None:
    seen = {name: np.zeros(layer.shape, np.int64) for name, layer in network.neurons.items()}
    for part in (part for parts in held.values() for part in parts):
        if any(not 0 <= a < b <= n for (a, b), n in zip(part.box, seen[part.layer].shape, strict=True)):
            raise ArtifactError(f"its mapping places neurons that layer '{part.layer}' does not have")
        seen[part.layer][part.slices] += 1
    for name, times in seen.items():
        if not (times == 1).all():
            raise ArtifactError(
                f"its mapping places {int((times != 1).sum())} of {prod(times.shape)} neurons of layer '{name}' "
                "not exactly once"
            )
