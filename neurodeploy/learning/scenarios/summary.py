"""Means and intervals over seeds: of each course, and of all courses of a scenario together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from neurodeploy.learning.scenarios.interval import mean_of
from neurodeploy.learning.scenarios.result import METHODS, CourseResult

ALL = "all courses"
Figure = Callable[[CourseResult], float | None]


def _recovered(result: CourseResult) -> float | None:
    """(chip - none) / (old before - none): the share of what was lost; None where nothing was."""
    if not result.has_old:
        return None
    lost = result.before[0] - result.new("none")
    return (result.new("chip") - result.new("none")) / lost if lost > 0 else None


FIGURES: dict[str, Figure] = {
    "old before": lambda r: r.before[0] if r.has_old else None,
    **{f"new {method}": (lambda r, m=method: r.new(m)) for method in METHODS},  # type: ignore[misc]
    **{f"old {method}": (lambda r, m=method: r.old(m)) for method in METHODS},  # type: ignore[misc]
    "gain": lambda r: r.new("chip") - r.new("none"),
    "recovered": _recovered,
    "forgetting": lambda r: r.forgetting,
}
"""By name; shares 0..1, gain and forgetting differences of shares."""


def summarize(results: Sequence[CourseResult]) -> dict[str, dict[str, Any]]:
    """Every figure of every course, and of the mean over courses, as `{mean, half_width}` over seeds."""
    seeds = sorted({r.seed for r in results})
    names = list(dict.fromkeys(r.course for r in results))
    groups = {
        name: [[r for r in results if r.course == name and r.seed == s] for s in seeds] for name in names
    }
    if len(names) > 1:
        groups[ALL] = [[r for r in results if r.seed == s] for s in seeds]
    return {name: _figures(group) for name, group in groups.items()}


def _figures(by_seed: Sequence[Sequence[CourseResult]]) -> dict[str, Any]:
    return {name: _mean(by_seed, figure) for name, figure in FIGURES.items()}


def _mean(by_seed: Sequence[Sequence[CourseResult]], figure: Figure) -> dict[str, float | None] | None:
    """Mean over the courses of each seed, then over seeds; None where a course has no such figure."""
    values = [[figure(r) for r in results] for results in by_seed]
    if any(value is None for row in values for value in row):
        return None
    return mean_of([float(np.mean([v for v in row if v is not None])) for row in values]).to_dict()
