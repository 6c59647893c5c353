"""A mapping as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurodeploy.cli.cost_text import quantity

if TYPE_CHECKING:
    from neurodeploy.mapping import Mapping


def map_lines(found: Mapping) -> list[str]:
    """Cores, expected energy and time of a step, and of every layer its cores and the busiest of them."""
    where = f"{found.chips} chips of {found.chip} ({found.board})" if found.chips > 1 else found.chip
    lines = [
        f"mapped to {len(found.cores)} cores on {found.placement.tiles} tiles, {where}; "
        f"{100 * found.utilisation:.0f} % of the fullest resource in the mean",
        f"  activity {found.activity}",
    ]
    if found.seconds:
        lines.append(
            f"  a step, expected: about {quantity(found.joules, 'J', 2)}, {quantity(found.seconds, 's', 2)}, "
            f"energy-delay product {found.edp:.1e} J s"
        )
    if found.chips > 1:
        lines.append("  not modelled: links between chips, so that time and energy are lower bounds")
    wide = max(len(name) for name in found.cuts)
    lines += ["", f"{'layer':<{wide}} {'cut':>12} {'cores':>5} {'busiest':>9}  on"]
    return lines + [_layer(found, name, wide) for name in found.cuts]


def _layer(found: Mapping, name: str, wide: int) -> str:
    cores = [core for core in found.cores if name in core.parts]
    cut = "x".join(map(str, found.cuts[name]))
    busiest = quantity(max(core.seconds for core in cores), "s", 2)
    numbers = ", ".join(str(core.core) for core in cores[:6]) + (", ..." if len(cores) > 6 else "")
    return f"{name:<{wide}} {cut:>12} {len(cores):>5} {busiest:>9}  {numbers}"
