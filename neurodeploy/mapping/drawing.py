"""A mapping as a picture: cores on their tiles, dark where busy, and the links that carry most packets (SVG)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from math import ceil, sqrt
from typing import Any

CELL = 26
"""Side of a core's square, in pixels."""
GAP = 8
MARGIN = 24
LINKS = 60
"""Links between tiles that are drawn, the heaviest."""
HOT = "#c8402f"
LINE = "#4c8bc9"


def to_svg(mapping: Mapping[str, Any]) -> str:
    """One `<svg>` of `Mapping.to_dict()`.

    Each square is a core, more opaque the longer it is busy in a step (without times: the fuller it is); its tooltip
    says its layers, time and fullest resource. Lines are links between tiles, as wide as they carry packets.
    """
    layout = _Layout(mapping)
    lines = [*layout.tiles(), *layout.links(), *layout.cores(), layout.caption()]
    size = f'viewBox="0 0 {layout.width} {layout.height}" width="{layout.width}" height="{layout.height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="map of cores" {size}'
    return "\n".join(
        [f'{head} font-family="sans-serif" font-size="11" fill="currentColor">', *lines, "</svg>\n"]
    )


class _Layout:
    """Where tiles and cores are drawn."""

    def __init__(self, mapping: Mapping[str, Any]) -> None:
        self._mapping = mapping
        self._per_tile: int = mapping["cores_per_tile"]
        self._side = ceil(sqrt(self._per_tile))
        self._used = sorted({tuple(core["tile"]) for core in mapping["cores"]})
        self._step = self._side * CELL + GAP
        columns = max(x for x, _ in self._used) + 1
        rows = max(y for _, y in self._used) + 1
        self._chip_columns: int = mapping["columns"] or columns
        self.width = max(int(self._left(columns - 1)) + self._step + MARGIN, 420)
        self.height = 2 * MARGIN + rows * self._step + MARGIN

    def _left(self, column: int) -> float:
        """Chips stand apart."""
        return MARGIN + column * self._step + column // self._chip_columns * 2 * GAP

    def _corner(self, tile: tuple[int, int]) -> tuple[float, float]:
        return self._left(tile[0]), 2 * MARGIN + tile[1] * self._step

    def _centre(self, tile: tuple[int, int]) -> tuple[float, float]:
        x, y = self._corner(tile)
        return x + self._side * CELL / 2, y + self._side * CELL / 2

    def tiles(self) -> Iterator[str]:
        side = self._side * CELL
        for tile in self._used:
            x, y = self._corner(tile)
            yield (
                f'<rect x="{x:g}" y="{y:g}" width="{side}" height="{side}" fill="none" '
                'stroke="currentColor" stroke-opacity="0.25"/>'
            )

    def cores(self) -> Iterator[str]:
        most = max(core["seconds"] for core in self._mapping["cores"])
        for core in self._mapping["cores"]:
            x, y = self._corner(tuple(core["tile"]))
            row, column = divmod(core["core"] % self._per_tile, self._side)
            heat = core["seconds"] / most if most else core["share"]
            yield (
                f'<rect x="{x + column * CELL + 2:g}" y="{y + row * CELL + 2:g}" width="{CELL - 4}" '
                f'height="{CELL - 4}" fill="{HOT}" fill-opacity="{max(heat, 0.04):.3f}" stroke="{HOT}">'
                f"<title>{escape(_tooltip(core))}</title></rect>"
            )

    def links(self) -> Iterator[str]:
        between: dict[tuple[tuple[int, int], tuple[int, int]], float] = {}
        for x0, y0, x1, y1, packets in self._mapping["links"]:
            first, last = sorted(((x0, y0), (x1, y1)))
            between[first, last] = between.get((first, last), 0.0) + packets
        heaviest = sorted(between.items(), key=lambda one: (-one[1], one[0]))[:LINKS]
        for (a, b), packets in heaviest:
            (x0, y0), (x1, y1) = self._centre(a), self._centre(b)
            width = max(6 * packets / heaviest[0][1], 0.3)
            yield (
                f'<line x1="{x0:g}" y1="{y0:g}" x2="{x1:g}" y2="{y1:g}" stroke="{LINE}" stroke-opacity="0.55" '
                f'stroke-width="{width:.2f}"><title>{packets:.6g} packets a step</title></line>'
            )

    def caption(self) -> str:
        cores, chips = len(self._mapping["cores"]), self._mapping["chips"]
        text = f"{self._mapping['chip']}: {cores} cores on {chips} chip{'s' * (chips > 1)}, darker is busier"
        return f'<text x="{MARGIN}" y="{MARGIN}">{escape(text)}</text>'


def _tooltip(core: Mapping[str, Any]) -> str:
    parts = "; ".join(
        f"{name} {' '.join(f'{begin}..{end - 1}' for begin, end in box)}" for name, box in core["parts"]
    )
    return (
        f"core {core['core']}: {parts}; {core['seconds']:.3g} s a step; "
        f"{core['binding'].replace('_', ' ')} {100 * core['share']:.0f} %"
    )
