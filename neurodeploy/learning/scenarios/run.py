"""Run a scenario: every course under every seed, with its baselines."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from neurodeploy import __version__
from neurodeploy.data.spec import parse
from neurodeploy.errors import UsageError
from neurodeploy.learning.scenarios import classes, drift, people, scratch
from neurodeploy.learning.scenarios.chip import Learning, learn_course, updates_per_second
from neurodeploy.learning.scenarios.course import Course
from neurodeploy.learning.scenarios.deployed import Deployed, accuracies, deploy
from neurodeploy.learning.scenarios.interval import mean_of
from neurodeploy.learning.scenarios.offline import retrained
from neurodeploy.learning.scenarios.ottt import online_ottt
from neurodeploy.learning.scenarios.result import CourseResult
from neurodeploy.learning.scenarios.ridge import ridge
from neurodeploy.learning.scenarios.setting import SETTINGS, Setting
from neurodeploy.learning.scenarios.summary import summarize

SCHEMA = "neurodeploy.scenario/1"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row of the table of scenarios; `courses(data, seed)` makes what is to be learned.

    `neurons` are options of the neurons in the notation of the model, where the usual ones do not do.
    """

    summary: str
    data: str
    courses: Callable[[str, int], list[Course]]
    neurons: str = ""


SCENARIOS = {
    "drift": Scenario("the sensor's gain, offset, pixels and angle change", "digits", drift.courses),
    "new-session": Scenario("the same person on another day (EMG)", "myo", people.new_session),
    "new-user": Scenario("another person (EMG)", "myo", people.new_user),
    "new-class": Scenario("a class never seen, from 20 samples", "digits", classes.new_class),
    "scratch": Scenario(
        "random weights, all is learned on the chip", "digits", scratch.courses, scratch.NEURONS
    ),
    "sequence": Scenario("pairs of classes one after the other", "digits", classes.sequence),
}
"""By name on the command line."""

LAST = Learning()
Watch = Callable[[str, int, int], None]
"""What is being done, and how many courses are done of how many."""


def silent(what: str, done: int, total: int) -> None:
    """Report nothing."""


@dataclass(frozen=True, slots=True)
class ScenarioOutcome:
    """All results of a scenario and the record that is written; the record is JSON-ready."""

    results: tuple[CourseResult, ...]
    record: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The record as plain values."""
        return dict(self.record)


def run(
    name: str,
    data: str | None = None,
    *,
    learning: Learning = LAST,
    seeds: int = 5,
    watch: Watch = silent,
) -> ScenarioOutcome:
    """Run the scenario of that name on `data` (NAME[:FOLDER], the scenario's own where None), seeds 0..seeds-1.

    `learning` says which layers learn, on the chip and in the float baseline.

    A seed fixes the parts of the data, the first weights, the order of the stream and every rounding; the same seed
    gives the same record but for `updates_per_second`. Raises `UsageError` for an unknown name, other data than the
    scenario takes, or a number of seeds out of range; `InputError` where the data are missing or damaged;
    `BackendMissing` without PyTorch.
    """
    scenario = find(name)
    mean_of([0.0] * seeds)
    spec = scenario.data if data is None else data
    results: list[CourseResult] = []
    speed = 0.0
    for seed in range(seeds):
        courses = scenario.courses(spec, seed)
        usual = SETTINGS[parse(spec).name]
        setting = replace(usual, model=usual.model + scenario.neurons)
        with tempfile.TemporaryDirectory() as folder:
            deployments = _Deployments(setting, seed, Path(folder))
            for course in courses:
                watch(f"seed {seed}, {course.name}", len(results), seeds * len(courses))
                deployed = deployments.of(course)
                speed = speed or updates_per_second(deployed.network, course.lessons[0], learning)
                results.append(_result(deployed, course, setting, learning, seed))
    return ScenarioOutcome(tuple(results), _record(name, spec, setting, learning, seeds, results, speed))


def find(name: str) -> Scenario:
    """The scenario of that name; `UsageError` listing the names where there is none."""
    if name not in SCENARIOS:
        raise UsageError(f"no scenario {name!r}. There are {', '.join(SCENARIOS)}")
    return SCENARIOS[name]


class _Deployments:
    """Networks of one seed; courses with the same base share theirs."""

    def __init__(self, setting: Setting, seed: int, folder: Path) -> None:
        self._setting, self._seed, self._folder = setting, seed, folder
        self._made: dict[int, Deployed] = {}

    def of(self, course: Course) -> Deployed:
        """Trained and compiled at the first call for a base."""
        key = id(course.base)
        if key not in self._made:
            folder = self._folder / str(len(self._made))
            self._made[key] = deploy(course, self._setting, self._seed, folder)
        return self._made[key]


def _result(
    deployed: Deployed, course: Course, setting: Setting, learning: Learning, seed: int
) -> CourseResult:
    """The chip and every baseline on one course."""
    before = accuracies(deployed.network, course)
    chip = learn_course(deployed.network, course, learning, seed)
    ottt = online_ottt(deployed.module, course, setting.steps, learning.layers)
    fitted = ridge(deployed.network, course, setting.classes)
    after = {
        "none": before,
        "chip": chip.rows[-1],
        "ottt": ottt.rows[-1],
        "offline": retrained(deployed, course, setting, seed),
        "ridge": fitted.row,
    }
    return CourseResult(
        course.name,
        seed,
        (*(() if course.old is None else ("old",)), *(lesson.name for lesson in course.lessons)),
        before,
        chip.rows,
        after,
        {name: value for name, value in chip.to_dict().items() if name != "rows"},
        {"ottt learning rate": ottt.learning_rate, "ridge strength": fitted.strength},
        course.drifted,
    )


def _record(
    name: str,
    data: str,
    setting: Setting,
    learning: Learning,
    seeds: int,
    results: list[CourseResult],
    speed: float,
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "scenario": name,
        "data": data,
        "setting": asdict(setting),
        **asdict(learning),
        "seeds": seeds,
        "version": __version__,
        "summary": summarize(results),
        "results": [result.to_dict() for result in results],
        "updates_per_second": speed,
    }
