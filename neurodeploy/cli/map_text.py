"""A mapping as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurodeploy.cli.columns import columns
from neurodeploy.cli.cost_text import counted_noun, quantity

if TYPE_CHECKING:
    from neurodeploy.mapping import Mapping


def map_lines(found: Mapping) -> list[str]:
    """Cores, expected energy and time of a step, and of every layer its cores and the busiest of them."""
    where = f"{found.chips} chips of {found.chip} ({found.board})" if found.chips > 1 else found.chip
    cores, tiles = counted_noun(len(found.cores), "core"), counted_noun(found.placement.tiles, "tile")
    lines = [
        f"mapped to {cores} on {tiles}, {where}; "
        f"{100 * found.utilisation:.0f} % of the fullest resource in the mean",
        f"  activity {found.activity}",
    ]
    if found.seconds:
        least = "at least" if found.unknown else "about"
        lines.append(
            f"  a step, expected: {least} {quantity(found.joules, 'J', 2)}, {quantity(found.seconds, 's', 2)}, "
            f"energy-delay product {found.edp:.1e} J s"
        )
    if found.chips > 1:
        lines.append(
            f"  {found.crossings:.4g} of {found.packets:.4g} packets a step between cores go from chip to chip; "
            "contention on the links between chips is not modelled"
        )
    lines += [f"  not public, left out: {path}" for path in found.unknown]
    rows = [("layer", "cut", "cores", "busiest", "on"), *(_layer(found, name) for name in found.cuts)]
    return [*lines, "", *columns(rows, right=(1, 2, 3))]


def _layer(found: Mapping, name: str) -> tuple[str, ...]:
    cores = [core for core in found.cores if name in core.parts]
    cut = "x".join(map(str, found.cuts[name]))
    busiest = quantity(max(core.seconds for core in cores), "s", 2)
    numbers = ", ".join(str(core.core) for core in cores[:6]) + (", ..." if len(cores) > 6 else "")
    return name, cut, str(len(cores)), busiest, numbers
