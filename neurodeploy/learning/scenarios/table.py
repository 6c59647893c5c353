"""The summary of a scenario as a Markdown table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COLUMNS = {
    "old before": "before, old",
    "new none": "no adaptation",
    "new chip": "chip",
    "new ottt": "float OTTT",
    "new offline": "retrained offline",
    "new ridge": "ridge readout",
    "gain": "gain",
    "recovered": "recovered",
    "old chip": "old after",
    "forgetting": "forgetting",
}
"""Figures of `summary.FIGURES` and their titles, in their order."""
MISSING = "-"
SHOWN = 5
"""Remarks of learning in the table."""
_HEAD = """# Scenario {scenario} on {data}

Layers that learn: {layers} ({feedback} feedback). Network {model}, T = {steps}. {seeds} seeds: mean and 95 % interval
over seeds. Accuracies in %; "gain" is chip less no adaptation in points, "recovered" the share of the lost accuracy
that came back, "forgetting" in points.
"""
_FOOT = """
{samples} samples learned a course and seed; {updates} updates of {synapses} weights each, in which {changed:.0f}
single weights moved (mean over courses and seeds); {speed:.0f} updates a second in the engine on this machine.
{clipped} input values of all streams were beyond the network's input grid and clipped.
"""


def table(record: Mapping[str, Any]) -> str:
    """The record's summary as Markdown: one row a course, one column a figure that this scenario has."""
    summary = record["summary"]
    shown = [key for key in COLUMNS if any(row[key] is not None for row in summary.values())]
    lines = [
        _row(["course", *(COLUMNS[key] for key in shown)]),
        _row(["---", *("---:" for _ in shown)]),
        *(_row([name, *(cell(figures[key]) for key in shown)]) for name, figures in summary.items()),
    ]
    head = _HEAD.format(**{**record, **record["setting"]})
    return "\n".join([head, *lines, _foot(record), *_advice(record)])


def cell(figure: Mapping[str, float | None] | None) -> str:
    """`87.3 ± 1.2` from shares 0..1, without the interval where there is a single seed."""
    if figure is None or figure["mean"] is None:
        return MISSING
    mean, half_width = figure["mean"], figure["half_width"]
    return f"{100 * mean:.1f}" + ("" if half_width is None else f" ± {100 * half_width:.1f}")


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _foot(record: Mapping[str, Any]) -> str:
    chips = [result["chip"] for result in record["results"]]
    ranges = {key: _range([chip[key] for chip in chips]) for key in ("samples", "updates", "synapses")}
    changed = sum(chip["changed"] for chip in chips) / len(chips)
    clipped = sum(chip["clipped"] for chip in chips)
    return _FOOT.format(**ranges, changed=changed, clipped=clipped, speed=record["updates_per_second"])


def _advice(record: Mapping[str, Any]) -> list[str]:
    """What learning had to say, each remark once, the first ones of many."""
    said = dict.fromkeys(text for result in record["results"] for text in result["chip"]["advice"])
    more = [f"- and {len(said) - SHOWN} more remarks in the record"] if len(said) > SHOWN else []
    return [*(f"- {text}" for text in list(said)[:SHOWN]), *more, ""]


def _range(values: list[int]) -> str:
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"
