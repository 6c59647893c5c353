"""The picture of a sweep; needs matplotlib."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from neurodeploy.report.drawing import FLOAT, GREY, INTEGER, PALETTE, PNG_DPI, style
from neurodeploy.sweep.result import Sweep, accuracy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KIB = 1024
COLOURS = tuple(colour for colour in PALETTE if colour != FLOAT)


def draw(sweep: Sweep) -> bytes:
    """A PNG: accuracy against bytes, and against time steps."""
    from matplotlib.figure import Figure

    with style(GREY):
        figure = Figure((9.0, 3.4), layout="constrained")
        left, right = figure.subplots(1, 2)
        _by_bytes(left, sweep)
        _by_steps(right, sweep)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=PNG_DPI, metadata={"Software": None})
    return buffer.getvalue()


def _by_bytes(axes: Axes, sweep: Sweep) -> None:
    """Every setting as a point; those alike in all layers joined, with their intervals."""
    uniform = [entry for entry in sweep.kind("uniform") if not entry.point.unfit]
    others = [entry for entry in sweep.entries if entry.kind != "uniform" and not entry.point.unfit]
    known = [accuracy(entry.point, sweep.samples) for entry in uniform]
    below = [100 * (one["accuracy"] - one["low"]) for one in known]
    above = [100 * (one["high"] - one["accuracy"]) for one in known]
    sizes, shares = (
        [sweep.bytes(entry.setting) / KIB for entry in uniform],
        [100 * one["accuracy"] for one in known],
    )
    axes.errorbar(sizes, shares, [below, above], fmt="o-", ms=4, color=INTEGER, label="all layers alike")
    axes.plot(
        [sweep.bytes(entry.setting) / KIB for entry in others],
        [100 * entry.point.correct / sweep.samples for entry in others],
        "x",
        ms=5,
        color=PALETTE[2],
        label="mixed",
    )
    axes.axhline(100 * sweep.floats.correct / sweep.samples, ls="--", color=FLOAT, label="float")
    axes.set(xlabel="weights (KiB)", ylabel="accuracy (%)")
    axes.grid(axis="y")
    axes.legend(loc="lower right")


def _by_steps(axes: Axes, sweep: Sweep) -> None:
    steps = range(1, sweep.steps + 1)
    for i, entry in enumerate(entry for entry in sweep.kind("uniform") if not entry.point.unfit):
        line = [100 * correct / sweep.samples for correct in entry.point.correct_by_steps]
        axes.plot(steps, line, "o-", ms=3, color=COLOURS[i % len(COLOURS)], label=str(entry.setting))
    line = [100 * correct / sweep.samples for correct in sweep.floats.correct_by_steps]
    axes.plot(steps, line, "--", color=FLOAT, label="float")
    axes.set(xlabel="time steps", ylabel="accuracy (%)")
    axes.grid(axis="y")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize="small")
