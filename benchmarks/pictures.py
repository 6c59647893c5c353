"""Line plots to a file, in the style of the report; needs matplotlib where one is wanted."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from neurodeploy.errors import BackendMissing

Line = Mapping[float, float]


@dataclass(frozen=True)
class Panel:
    """One of the plots beside each other: lines by name, each from x to y."""

    title: str
    x: str
    y: str
    lines: Mapping[str, Line]
    log_x: bool = False
    log_y: bool = False


def add_options(made: argparse.ArgumentParser, name: str) -> None:
    """--plot and --no-plot; call `check` with what was given."""
    file = Path("runs", f"{name}.png")
    made.add_argument("--plot", type=Path, default=file, metavar="FILE", help=f"PNG or SVG to write ({file})")
    made.add_argument("--no-plot", dest="plot", action="store_const", const=None, help="print tables only")


def check(path: Path | None) -> None:
    """Raise `BackendMissing` before the work where a picture is wanted and cannot be drawn."""
    if path is not None and find_spec("matplotlib") is None:
        install = "pip install 'neurodeploy[report]'"
        raise BackendMissing(f"plots need matplotlib, which is not installed. Try: {install}, or --no-plot")


def draw(path: Path | None, panels: Sequence[Panel]) -> None:
    """Draw panels beside each other, and say where; nothing without a path."""
    if path is None:
        return
    from matplotlib.figure import Figure

    from neurodeploy.report.drawing import GREY, PALETTE, PNG_DPI, style

    with style(GREY):
        figure = Figure((4.2 * len(panels), 3.2), layout="constrained")
        for panel, axes in zip(panels, figure.subplots(1, len(panels), squeeze=False)[0], strict=True):
            for i, (name, line) in enumerate(panel.lines.items()):
                look = {"color": PALETTE[i % len(PALETTE)], "ls": "-" if i < len(PALETTE) else "--"}
                axes.plot(list(line), list(line.values()), marker="o", ms=3, label=name, **look)
            _finish(axes, panel)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=PNG_DPI)
    print(f"\nplot: {path}")


def _finish(axes: Any, panel: Panel) -> None:
    """Titles, scales, and a tick at every x that was measured."""
    axes.set(title=panel.title, xlabel=panel.x, ylabel=panel.y)
    axes.set_xscale("log" if panel.log_x else "linear")
    axes.set_yscale("log" if panel.log_y else "linear")
    measured = sorted({x for line in panel.lines.values() for x in line})
    axes.set_xticks(measured, [f"{x:g}" for x in measured])
    axes.xaxis.minorticks_off()
    axes.grid()
    axes.legend(fontsize="small")
