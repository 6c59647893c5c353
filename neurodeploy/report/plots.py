"""The plots, each a function from run.json to a matplotlib figure; `PLOTS` names them. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, log2, sqrt
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from neurodeploy.report.drawing import FLOAT, GREY, INTEGER, LIMIT, PALETTE, png, style, svg

Run = Mapping[str, Any]
WIDTH = 8.6
LAYERS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a plot is drawn, and whether as a PNG (dense) instead of an SVG."""

    draw: Callable[[Run], Figure]
    dense: bool = False


def draw(name: str, run: Run, label: str) -> str:
    """Markup of the plot called `name`."""
    recipe = PLOTS[name]
    with style(GREY) if recipe.dense else style():
        figure = recipe.draw(run)
        return (png if recipe.dense else svg)(figure, name, label)


def _figure(height: float) -> Figure:
    return Figure((WIDTH, height), layout="constrained")


def _whole_steps(axes: Axes, label: bool = True) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))
    if label:
        axes.set_xlabel("time step")


def _accuracy_by_steps(run: Run) -> Figure:
    rows = run["accuracy_by_steps"]
    figure = _figure(2.7)
    axes = figure.subplots()
    steps = [row["steps"] for row in rows]
    integer = [row["integer"] for row in rows]
    axes.fill_between(
        steps,
        [100 * r["low"] for r in integer],
        [100 * r["high"] for r in integer],
        color=INTEGER,
        alpha=0.2,
        lw=0,
    )
    axes.plot(steps, [100 * r["accuracy"] for r in integer], "o-", ms=3.5, color=INTEGER, label="integer")
    if rows[0]["float"]:
        axes.plot(steps, [100 * r["float"]["accuracy"] for r in rows], "--", color=FLOAT, label="float")
    axes.set_ylabel("accuracy (%)")
    axes.set_xlabel("time steps used")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12))
    axes.grid(axis="y")
    axes.legend(loc="lower right")
    return figure


def _mismatch(run: Run) -> Figure:
    figure = _figure(2.4)
    axes = figure.subplots()
    compared = [r["against_float"] for r in run["layers"] if r["against_float"]]
    for i, one in enumerate(c for c in compared if c["mismatch_by_step"] is not None):
        values = one["mismatch_by_step"]
        colour = PALETTE[i % len(PALETTE)]
        axes.plot(range(1, len(values) + 1), values, "o-", ms=3, color=colour, label=one["layer"])
    _whole_steps(axes)
    axes.set_ylabel("differing spikes (%)")
    axes.set_ylim(bottom=0)
    axes.grid(axis="y")
    axes.legend(ncols=4)
    return figure


def _headroom(run: Run) -> Figure:
    rows, bounds = run["layers"], {row["layer"]: row for row in run["ranges"]}
    figure = _figure(0.9 + 0.34 * len(rows))
    axes = figure.subplots()
    seen = [_bits(max(abs(row["membrane_low"]), abs(row["membrane_high"]))) for row in rows]
    places = range(len(rows))
    axes.barh(places, seen, height=0.55, color=INTEGER, label="largest potential seen")
    proven = [_bits(bounds[row["layer"]]["v"]) for row in rows]
    axes.plot(proven, places, "|", ms=15, mew=2.2, color=FLOAT, label="largest possible")
    bits = rows[0]["register_bits"]
    axes.axvline(bits, color=LIMIT, lw=1.6, label=f"register, {bits} bits")
    axes.set_yticks(list(places), [row["layer"] for row in rows])
    axes.invert_yaxis()
    axes.set_xlim(0, max(bits, *proven) + 1)
    axes.set_xlabel("bits of the membrane potential, with sign")
    axes.grid(axis="x")
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def _bits(magnitude: int) -> float:
    return 1 + log2(magnitude) if magnitude else 0.0


def _weights(run: Run) -> Figure:
    rows = run["weights"][:LAYERS_SHOWN]
    columns = min(len(rows), 3)
    figure = _figure(2.1 * -(-len(rows) // columns))
    grid = figure.subplots(-(-len(rows) // columns), columns, squeeze=False)
    for axes, row in zip(grid.flat, rows, strict=False):
        values = np.arange(row["low"], row["low"] + len(row["counts"]))
        axes.stairs(row["counts"], np.append(values, values[-1] + 1) - 0.5, fill=True, color=INTEGER)
        axes.axvline(0, color=LIMIT, lw=0.7)
        axes.set_title(f"{row['layer']}, {row['bits']} bits")
        axes.set_xlabel("integer weight")
    for axes in grid.flat[len(rows) :]:
        axes.set_axis_off()
    grid.flat[0].set_ylabel("weights")
    return figure


def _rates(run: Run) -> Figure:
    rows = run["rates"][:LAYERS_SHOWN]
    columns = min(len(rows), 3)
    figure = _figure(1.9 * -(-len(rows) // columns))
    grid = figure.subplots(-(-len(rows) // columns), columns, squeeze=False)
    for i, (axes, row) in enumerate(zip(grid.flat, rows, strict=False)):
        edges = np.linspace(0, 1, len(row["counts"]) + 1)
        axes.stairs(row["counts"], edges, fill=True, color=PALETTE[i % len(PALETTE)])
        axes.set_title(row["layer"])
        axes.set_xlabel("spikes per step")
    for axes in grid.flat[len(rows) :]:
        axes.set_axis_off()
    grid.flat[0].set_ylabel("neurons")
    return figure


def _raster(run: Run) -> Figure:
    rows, samples, steps = (
        run["pictures"]["raster"][:LAYERS_SHOWN],
        run["pictures"]["samples"],
        run["network"]["steps"],
    )
    heights = [min(2.4, max(0.7, row["neurons_shown"] / 60)) for row in rows]
    figure = _figure(0.8 + sum(heights))
    grid = figure.subplots(
        len(rows), len(samples), squeeze=False, sharex=True, sharey="row", height_ratios=heights
    )
    for row, height, line in zip(rows, heights, grid, strict=True):
        width = min(4.0, max(1.2, 72 * height / row["neurons_shown"] * 0.8))
        for axes, events in zip(line, row["samples"], strict=True):
            step = np.asarray(events["step"], float) + 1
            axes.hlines(events["neuron"], step - 0.42, step + 0.42, lw=width, color=PALETTE[0])
            axes.set_ylim(row["neurons"] - 0.5, -0.5)
            axes.set_xlim(0.5, steps + 0.5)
        line[0].set_ylabel(f"{row['layer']}\nneuron")
    for axes, one in zip(grid[0], samples, strict=True):
        wrong = "" if one["label"] == one["predicted"] else "  (wrong)"
        axes.set_title(f"sample {one['sample']}: class {one['label']}, predicted {one['predicted']}{wrong}")
    for axes in grid[-1]:
        _whole_steps(axes)
    return figure


def _membrane(run: Run) -> Figure:
    rows = run["pictures"]["membrane"][:LAYERS_SHOWN]
    figure = _figure(0.35 + 1.75 * len(rows))
    columns = max(len(row["neurons"]) for row in rows)
    grid = figure.subplots(len(rows), columns, squeeze=False, sharey="row")
    for row, line in zip(rows, grid, strict=True):
        for axes, one in zip(line, row["neurons"], strict=False):
            _trace(axes, one, row["threshold"])
        for axes in line[len(row["neurons"]) :]:
            axes.set_axis_off()
        line[0].set_ylabel(row["layer"])
    for axes in grid[-1]:
        axes.set_xlabel("time step")
    figure.supylabel("potential (integer units)", fontsize="medium")
    handles: dict[str, Any] = {}
    for axes in grid.flat:
        handles |= {label: handle for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(list(handles.values()), list(handles), loc="outside upper center", ncols=4)
    return figure


def _trace(axes: Axes, one: Mapping[str, Any], threshold: int | None) -> None:
    values = one["potential"]
    steps = np.arange(1, len(values) + 1)
    if one["float_potential"]:
        axes.plot(steps, one["float_potential"], color=FLOAT, lw=4, alpha=0.45, label="float")
    axes.plot(steps, values, "-", color=INTEGER, lw=1.4, label="integer")
    if one["spikes"]:
        at = np.asarray(one["spikes"])
        axes.plot(steps[at], np.asarray(values)[at], "o", ms=4, color=INTEGER, label="spike")
    if threshold is not None:
        axes.axhline(threshold, color=LIMIT, lw=1, ls="--", label="threshold")
    axes.set_title(f"neuron {one['neuron']}")
    axes.ticklabel_format(axis="y", style="sci", scilimits=(-3, 5))
    _whole_steps(axes, label=False)


def _learning_curve(run: Run) -> Figure:
    points = [p for p in run["learning"]["curve"] if "samples" in p and "accuracy" in p]
    figure = _figure(2.4)
    axes = figure.subplots()
    axes.plot(
        [p["samples"] for p in points], [100 * p["accuracy"] for p in points], "o-", ms=3.5, color=INTEGER
    )
    before = run["learning"].get("accuracy_before")
    if isinstance(before, float):
        axes.axhline(100 * before, color=FLOAT, ls="--", lw=1.2, label="before learning")
        axes.legend(loc="lower right")
    axes.set_xlabel("samples learned from")
    axes.set_ylabel("accuracy (%)")
    axes.grid(axis="y")
    return figure


def _cores(run: Run) -> Figure:
    mapping = run["operations"]["energy"]["mapping"]
    per_tile = mapping["cores_per_tile"]
    side = ceil(sqrt(per_tile))
    cores = mapping["cores"]
    most = max(core["seconds"] for core in cores) or 1.0
    columns = [core["tile"][0] * (side + 0.4) + core["core"] % per_tile % side for core in cores]
    rows = [core["tile"][1] * (side + 0.4) + core["core"] % per_tile // side for core in cores]
    figure = _figure(max(1.6, 0.22 * (max(rows) + 3)))
    axes = figure.subplots()
    for x, y, core in zip(columns, rows, cores, strict=True):
        heat = max(core["seconds"] / most, 0.04)
        axes.add_patch(Rectangle((x, y), 0.9, 0.9, facecolor=LIMIT, alpha=heat, edgecolor=LIMIT))
    axes.set_xlim(-0.5, max(columns) + 1.5)
    axes.set_ylim(max(rows) + 1.5, -0.5)
    axes.set_aspect("equal")
    axes.set_axis_off()
    return figure


PLOTS: dict[str, Recipe] = {
    "accuracy_by_steps": Recipe(_accuracy_by_steps),
    "mismatch": Recipe(_mismatch),
    "headroom": Recipe(_headroom),
    "weights": Recipe(_weights),
    "rates": Recipe(_rates),
    "raster": Recipe(_raster, dense=True),
    "membrane": Recipe(_membrane),
    "learning_curve": Recipe(_learning_curve),
    "cores": Recipe(_cores),
}
"""Every plot by the name that `neurodeploy.report.content.Plot` uses."""
