from __future__ import annotations

from dataclasses import replace
from math import sqrt

import pytest

from neurodeploy.errors import UsageError
from neurodeploy.learning.scenarios.interval import mean_of
from neurodeploy.learning.scenarios.result import METHODS, CourseResult
from neurodeploy.learning.scenarios.summary import ALL, summarize
from neurodeploy.learning.scenarios.table import cell


def result(course: str = "a", seed: int = 0, chip: tuple[float, float] = (0.8, 0.7)) -> CourseResult:
    before = [0.9, 0.5]
    after = dict.fromkeys(METHODS, before) | {"chip": list(chip)}
    return CourseResult(course, seed, ("old", "new"), before, [list(chip)], after, {}, {}, drifted=True)


def test_interval_of_students_t() -> None:
    found = mean_of([1.0, 2.0, 3.0, 4.0, 5.0])
    assert found.mean == 3.0
    assert found.half_width == pytest.approx(2.776 * sqrt(2.5) / sqrt(5))
    assert mean_of([0.25]).to_dict() == {"mean": 0.25, "half_width": None}
    for n in (0, 32):
        with pytest.raises(UsageError, match=rf"takes 1\.\.31 seeds, not {n}"):
            mean_of([0.0] * n)


def test_figures_of_one_course() -> None:
    figures = summarize([result()])["a"]
    means = {name: None if f is None else round(f["mean"], 9) for name, f in figures.items()}
    assert (means["old before"], means["new none"], means["new chip"], means["old chip"]) == (
        0.9,
        0.5,
        0.7,
        0.8,
    )
    assert (means["gain"], means["recovered"], means["forgetting"]) == (0.2, 0.5, 0.1)


def test_mean_over_courses_comes_before_the_one_over_seeds() -> None:
    results = [
        result(c, s, (0.9, v))
        for s, (x, y) in enumerate([(0.6, 0.8), (0.7, 0.9)])
        for c, v in (("a", x), ("b", y))
    ]
    found = summarize(results)
    assert list(found) == ["a", "b", ALL]
    assert found[ALL]["new chip"]["mean"] == pytest.approx(0.75)
    assert found[ALL]["new chip"]["half_width"] == pytest.approx(12.706 * 0.1 / sqrt(2) / sqrt(2))


def test_forgetting_is_measured_from_the_best() -> None:
    """Task 0 falls from .9 to .3, task 1 rises to .8 and ends at .7; the last task does not count."""
    rows = [[0.5, 0.8, 0.0], [0.3, 0.7, 0.6]]
    found = CourseResult("a", 0, ("old", "b", "c"), [0.9, 0.0, 0.0], rows, {"chip": rows[-1]}, {}, {})
    assert found.forgetting == pytest.approx((0.6 + 0.1) / 2)
    assert found.new("chip") == pytest.approx(0.65)


def test_course_without_old_data() -> None:
    after = {method: [0.1] for method in METHODS} | {"chip": [0.9]}
    figures = summarize([CourseResult("a", 0, ("all",), [0.1], [[0.9]], after, {}, {})])["a"]
    assert figures["gain"]["mean"] == pytest.approx(0.8)
    assert [figures[name] for name in ("old before", "recovered", "forgetting", "old chip")] == [None] * 4


def test_what_all_courses_recovered_is_weighed_by_what_they_lost() -> None:
    mild = replace(result("mild", chip=(0.9, 0.7)), before=[0.9, 0.8])
    mild = replace(mild, after={**mild.after, "none": [0.9, 0.8]})
    found = summarize([result("hard", chip=(0.9, 0.8)), mild])
    assert found["mild"]["recovered"]["mean"] == pytest.approx(-1.0)
    assert found[ALL]["recovered"]["mean"] == pytest.approx((0.3 - 0.1) / (0.4 + 0.1))


def test_only_what_drift_took_can_be_recovered() -> None:
    assert summarize([replace(result(), drifted=False)])["a"]["recovered"] is None


def test_nothing_lost_nothing_recovered() -> None:
    better = CourseResult(
        "a", 0, ("old", "new"), [0.5, 0.6], [[0.5, 0.7]], {m: [0.5, 0.6] for m in METHODS}, {}, {}, True
    )
    assert summarize([better])["a"]["recovered"] is None


def test_cells() -> None:
    assert cell({"mean": 0.8734, "half_width": 0.0121}) == "87.3 ± 1.2"
    assert cell({"mean": 0.8734, "half_width": None}) == "87.3"
    assert cell(None) == "-"
