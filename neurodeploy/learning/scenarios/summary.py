"""Means and intervals over seeds: of each course, and of all courses of a scenario together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from neurodeploy.learning.scenarios.interval import mean_of
from neurodeploy.learning.scenarios.result import METHODS, CourseResult

ALL = "all courses"
Value = Callable[[CourseResult], float | None]
Figure = Callable[[Sequence[CourseResult]], float | None]
"""From the courses of one seed."""


def _mean(value: Value) -> Figure:
    """The mean of a value over courses; None where a course has no such value."""

    def figure(results: Sequence[CourseResult]) -> float | None:
        values = [found for found in map(value, results) if found is not None]
        return float(np.mean(values)) if len(values) == len(results) else None

    return figure


def _recovered(results: Sequence[CourseResult]) -> float | None:
    """sum(chip - none) / sum(old before - none): the share of what drift took; None without drift or loss."""
    if not all(result.drifted for result in results):
        return None
    lost = sum(result.before[0] - result.new("none") for result in results)
    return sum(result.new("chip") - result.new("none") for result in results) / lost if lost > 0 else None


FIGURES: dict[str, Figure] = {
    "old before": _mean(lambda r: r.before[0] if r.has_old else None),
    **{f"new {method}": _mean(partial(CourseResult.new, method=method)) for method in METHODS},
    **{f"old {method}": _mean(partial(CourseResult.old, method=method)) for method in METHODS},
    "gain": _mean(lambda r: r.new("chip") - r.new("none")),
    "recovered": _recovered,
    "forgetting": _mean(lambda r: r.forgetting),
}
"""By name; shares 0..1, gain and forgetting differences of shares."""


def summarize(results: Sequence[CourseResult]) -> dict[str, dict[str, Any]]:
    """Every figure of every course, and of all courses together, as `{mean, half_width}` over seeds.

    None where a seed has no such figure.
    """
    seeds = sorted({r.seed for r in results})
    names = list(dict.fromkeys(r.course for r in results))
    groups = {
        name: [[r for r in results if r.course == name and r.seed == s] for s in seeds] for name in names
    }
    if len(names) > 1:
        groups[ALL] = [[r for r in results if r.seed == s] for s in seeds]
    return {
        name: {key: _over_seeds(group, figure) for key, figure in FIGURES.items()}
        for name, group in groups.items()
    }


def _over_seeds(by_seed: Sequence[Sequence[CourseResult]], figure: Figure) -> dict[str, float | None] | None:
    values = [found for found in map(figure, by_seed) if found is not None]
    return mean_of(values).to_dict() if len(values) == len(by_seed) else None
