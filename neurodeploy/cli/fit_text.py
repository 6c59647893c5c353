"""The fit of a network on a chip as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurodeploy.cli.columns import columns

if TYPE_CHECKING:
    from neurodeploy.passes import ChipNeed
    from neurodeploy.resources import Use


def fit_lines(need: ChipNeed) -> list[str]:
    """A line for every layer: its cores, and of each resource the most that one of them uses, the fullest first.

    Why a network does not fit is the message of the error that follows.
    """
    cores = f"at least {need.cores} of {need.cores_limit} cores of {need.chip}" if need.layers else need.chip
    lines = [cores if need.fits else f"does not fit: {cores}"]
    if need.layers:
        rows = [("layer", "cores", "used of the fullest core (each core: --json)")]
        rows += [(one.layer, str(one.cores), _uses(one.uses)) for one in need.layers]
        lines += ["", *columns(rows, right=(1,))]
    return (
        [*lines, "", f"not public, not checked: {', '.join(need.not_checked)}"] if need.not_checked else lines
    )


def _uses(uses: tuple[Use, ...]) -> str:
    return ", ".join(_use(use) for use in sorted(uses, key=lambda use: -(use.share or 0.0)))


def _use(use: Use) -> str:
    name = use.resource.replace("_", " ")
    if use.limit is None or use.share is None:
        return f"{name} {use.used}/?"
    return f"{name} {use.used}/{use.limit} ({100 * use.share:.0f} %)"
