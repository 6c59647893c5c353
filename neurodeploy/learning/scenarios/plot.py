"""The picture of a scenario: accuracy over learned samples, and by how much weights moved; needs matplotlib."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from neurodeploy.learning.scenarios.result import CourseResult
from neurodeploy.report.drawing import FLOAT, GREY, INTEGER, PALETTE, PNG_DPI, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINES = {
    "none": (":", PALETTE[5]),
    "ottt": ("--", FLOAT),
    "offline": ("-.", PALETTE[2]),
    "ridge": ("--", PALETTE[3]),
}
"""Dashes and colour of each baseline."""
NAMES = {
    "none": "no adaptation",
    "ottt": "float OTTT",
    "offline": "retrained offline",
    "ridge": "ridge readout",
}
WIDTH, HEIGHT = 3.1, 2.7


def draw(results: Sequence[CourseResult]) -> bytes:
    """A PNG: above, every course's curve with all seeds and their mean beside its baselines; below, weight changes."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(result.course for result in results))
    with style(GREY):
        figure = Figure((WIDTH * max(len(names), 2), 2 * HEIGHT), layout="constrained")
        axes = figure.subplots(2, len(names), squeeze=False)
        for column, name in enumerate(names):
            of_course = [result for result in results if result.course == name]
            _curve(axes[0][column], of_course)
            _moved(axes[1][column], of_course)
            axes[0][column].set_title(name)
        axes[0][0].set_ylabel("accuracy (%)")
        axes[1][0].set_ylabel("weights")
        axes[0][-1].legend(fontsize="x-small")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=PNG_DPI, metadata={"Software": None})
    return buffer.getvalue()


def _curve(axes: Axes, results: Sequence[CourseResult]) -> None:
    curves = [result.chip["curve"] for result in results]
    for curve in curves:
        axes.plot(_samples(curve), _percent(curve), color=INTEGER, alpha=0.25, lw=0.8)
    shortest = min(map(len, curves))
    mean = np.mean([_percent(curve)[:shortest] for curve in curves], axis=0)
    axes.plot(_samples(curves[0])[:shortest], mean, color=INTEGER, label="chip")
    for method, (dashes, colour) in LINES.items():
        height = 100 * float(np.mean([result.new(method) for result in results]))
        axes.axhline(height, ls=dashes, color=colour, lw=1.2, label=NAMES[method])
    axes.set(xlabel="learned samples")
    axes.grid(axis="y")


def _moved(axes: Axes, results: Sequence[CourseResult]) -> None:
    """Number of weights, mean over seeds, by the distance they moved; one line a group of synapses."""
    for i, group in enumerate(results[0].chip["moved"]):
        moved = [dict(result.chip["moved"][group]) for result in results]
        values = sorted(set().union(*moved))
        counts = [np.mean([found.get(value, 0) for found in moved]) for value in values]
        axes.step(values, counts, where="mid", color=PALETTE[i % len(PALETTE)], lw=1, label=group)
    axes.set(xlabel="change of a weight (chip units)", yscale="log")
    axes.legend(fontsize="x-small")


def _samples(curve: Sequence[dict[str, float]]) -> list[float]:
    return [point["samples"] for point in curve]


def _percent(curve: Sequence[dict[str, float]]) -> list[float]:
    return [100 * point["accuracy"] for point in curve]
