"""A sweep as text: the table for the terminal, and a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from neurodeploy.report.markdown import plain
from neurodeploy.sweep.result import Sweep, accuracy

COLUMNS = ("setting", "bytes", "accuracy %", "95 % interval", "change", "95 % interval")


def to_text(sweep: Sweep) -> str:
    """A title, one row a setting, and the smallest that keeps the gate."""
    rows = [COLUMNS, *_rows(sweep)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    lines = [_title(sweep)]
    for name, *cells in rows:
        shown = "  ".join(cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        lines.append(f"{name:{widths[0]}}  {shown}".rstrip())
    return "\n".join([*lines, verdict(sweep)])


def verdict(sweep: Sweep) -> str:
    """What is the smallest setting within the gate, or the numbers that say that none is."""
    gate = (
        f"{100 * sweep.max_drop:.2f} points below float's {100 * sweep.floats.correct / sweep.samples:.2f} %"
    )
    if sweep.smallest is not None:
        size = sweep.bytes(sweep.smallest.setting)
        return (
            f"smallest within {gate}: {sweep.smallest.setting}, {size} bytes, "
            f"{100 * sweep.smallest.point.correct / sweep.samples:.2f} % (greedy search; a smaller one may exist)"
        )
    best = max(sweep.entries, key=lambda entry: entry.point.correct)
    found = 100 * best.point.correct / sweep.samples
    return f"no setting within {gate}: the best, {best.setting}, has {found:.2f} %"


def to_markdown(sweep: Sweep, command: str, plot: str | None) -> str:
    """Widths, sensitivity, search, accuracy against T, and every note."""
    lines = ["# Accuracy and bits", "", plain(_title(sweep)), "", plain(verdict(sweep)), ""]
    lines += [f"![accuracy and bits]({plot})", ""] if plot else []
    lines += ["## Settings", "", *_table(COLUMNS, _rows(sweep)), ""]
    lines += [*_sensitivity(sweep), *_by_steps(sweep), "## Notes", ""]
    lines += [f"- {plain(str(note))}" for note in sweep.notes] or ["none"]
    lines += ["", "## Again", "", "```text", command, "```"]
    return "\n".join(lines) + "\n"


def _title(sweep: Sweep) -> str:
    return (
        f"{sweep.model} on {sweep.samples} samples of {sweep.data}, {sweep.steps} steps, target {sweep.target}, "
        f"{sweep.method}"
    )


def _rows(sweep: Sweep) -> list[tuple[str, ...]]:
    """Float, then each setting once, and the smallest marked."""
    known = accuracy(sweep.floats, sweep.samples)
    rows: list[tuple[str, ...]] = [("float", "", *_shares(known), "", "")]
    settings = {entry.setting: entry for entry in sweep.entries}
    for setting, entry in settings.items():
        chosen = sweep.smallest is not None and setting == sweep.smallest.setting
        rows.append(_row(sweep.row(entry), f"{setting} *" if chosen else str(setting)))
    return rows


def _row(row: dict[str, Any], name: str) -> tuple[str, ...]:
    if row["unfit"]:
        return name, str(row["bytes"]), "does not fit", "", "", ""
    change = row["change"]
    return (
        name,
        str(row["bytes"]),
        *_shares(row["accuracy"]),
        f"{change['points']:+.2f}",
        f"{change['low']:+.2f}..{change['high']:+.2f}",
    )


def _shares(known: dict[str, Any]) -> tuple[str, str]:
    return f"{100 * known['accuracy']:.2f}", f"{100 * known['low']:.2f}..{100 * known['high']:.2f}"


def _sensitivity(sweep: Sweep) -> Iterator[str]:
    found = sweep.sensitivity()
    if not found:
        return
    widths = sorted({bits for entry in sweep.kind("uniform") for _, bits in entry.setting.bits})
    columns = (
        "layer",
        "weights",
        f"points lost at {widths[0]} bits, others {widths[-1]}",
        f"points regained at {widths[-1]} bits, others {widths[0]}",
    )
    rows = [
        (
            one["layer"],
            str(one["weights"]),
            f"{100 * one['lost_narrow']:.2f}",
            f"{100 * one['regained_wide']:.2f}",
        )
        for one in found
    ]
    yield from ("## Sensitivity of each layer", "", *_table(columns, rows), "")


def _by_steps(sweep: Sweep) -> Iterator[str]:
    """Accuracy in % after 1..T steps: float and all layers alike."""
    points = {"float": sweep.floats} | {
        str(e.setting): e.point for e in sweep.kind("uniform") if not e.point.unfit
    }
    rows = [
        (str(t + 1), *(f"{100 * point.correct_by_steps[t] / sweep.samples:.2f}" for point in points.values()))
        for t in range(sweep.steps)
    ]
    yield from ("## Accuracy after each step", "", *_table(("steps", *points), rows), "")


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(plain(c) for c in columns)} |"
    yield f"|{' --- |' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(plain(cell) for cell in row)} |"
