"""The fit of a network on a chip as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neurodeploy.passes import ChipNeed
    from neurodeploy.resources import Use


def fit_lines(need: ChipNeed) -> list[str]:
    """A line for every layer: its cores, and of each resource the most that one of them uses, the fullest first."""
    excess = "" if need.fits else "does not fit: "
    lines = (
        [f"{excess}at least {need.cores} of {need.cores_limit} cores of {need.chip}"] if need.layers else []
    )
    if need.layers:
        wide = max(len(layer.layer) for layer in need.layers)
        lines += ["", f"{'layer':<{wide}} {'cores':>5}  used of the fullest core (each core: --json)"]
        lines += [f"{n.layer:<{wide}} {n.cores:>5}  {_uses(n.uses)}" for n in need.layers]
    lines += [f"does not fit: {problem}" for problem in need.problems]
    return lines + [f"not checked, not public: {item}" for item in need.not_checked]


def _uses(uses: tuple[Use, ...]) -> str:
    return ", ".join(_use(use) for use in sorted(uses, key=lambda use: -(use.share or 0.0)))


def _use(use: Use) -> str:
    name = use.resource.replace("_", " ")
    if use.limit is None or use.share is None:
        return f"{name} {use.used}/?"
    return f"{name} {use.used}/{use.limit} ({100 * use.share:.0f} %)"
