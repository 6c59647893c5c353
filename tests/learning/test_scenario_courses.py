from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neurodeploy.data import Dataset, drift, load
from neurodeploy.errors import InputError, UsageError
from neurodeploy.learning.scenarios import SCENARIOS
from neurodeploy.learning.scenarios.classes import FEW
from neurodeploy.learning.scenarios.course import Course
from neurodeploy.learning.scenarios.drift import DRIFTS
from neurodeploy.learning.scenarios.scratch import PASSES
from tests.data.myo_file import PEOPLE, recordings, write_myo

ON_DIGITS = ("drift", "new-class", "scratch", "sequence")
ON_MYO = ("new-session", "new-user")


@pytest.fixture(scope="module")
def myo(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Recordings in which no two windows are equal."""
    noise = np.random.default_rng(0).integers(-99, 100, recordings()["emg"].shape).astype(np.int8)
    return write_myo(tmp_path_factory.mktemp("myo"), emg=noise)


def samples(data: Dataset | None) -> set[bytes]:
    return set() if data is None else {row.tobytes() for row in data.x}


def learned_and_judged(course: Course) -> tuple[set[bytes], set[bytes]]:
    learned = samples(course.base).union(*(samples(lesson.stream) for lesson in course.lessons))
    return learned, set[bytes]().union(*(samples(data) for data in course.judged_on))


def test_no_image_that_judges_was_learned() -> None:
    """Beside the digits that scikit-learn's file itself holds twice."""
    whole = [row.tobytes() for split in ("train", "test") for row in load(f"digits@{split}").x]
    twice = {row for row in whole if whole.count(row) > 1}
    for name in ON_DIGITS:
        for course in SCENARIOS[name].courses("digits", 1):
            learned, judged = learned_and_judged(course)
            assert learned
            assert judged
            assert learned & judged <= twice, (name, course.name)


@pytest.mark.parametrize("name", ON_MYO)
def test_no_window_that_judges_was_learned(myo: str, name: str) -> None:
    courses = SCENARIOS[name].courses(myo, 1)
    assert len(courses) == len(PEOPLE)
    for course in courses:
        learned, judged = learned_and_judged(course)
        assert len(learned) == len(course.base) + len(course.lessons[0].stream), "windows of the file differ"
        assert not learned & judged


def test_drifted_stream_holds_other_images_than_the_base() -> None:
    (course, *_) = SCENARIOS["drift"].courses("digits", 0)
    assert (len(course.base), len(course.lessons[0].stream), len(course.old)) == (900, 400, 497)
    everything = load("digits@train")
    stream = samples(course.lessons[0].stream)
    change = DRIFTS[course.name]
    seen = [row.tobytes() for row in drift(everything.x, change)]
    of_base = [seen[i] for i, row in enumerate(everything.x) if row.tobytes() in samples(course.base)]
    assert len(stream & set(of_base)) <= 2, "two digits look alike once the gain has fallen"


def test_every_drift_changes_what_the_sensor_sees() -> None:
    for course in SCENARIOS["drift"].courses("digits", 0):
        lesson = course.lessons[0]
        assert np.array_equal(lesson.held_out.labels(), course.old.labels())
        assert (lesson.held_out.x != course.old.x).mean() > 0.1, course.name


@pytest.mark.parametrize("name", ON_MYO)
def test_whose_recordings_are_known(myo: str, name: str) -> None:
    same = name == "new-session"
    for course in SCENARIOS[name].courses(myo, 0):
        stream, held_out = course.lessons[0].stream, course.lessons[0].held_out
        one_session = 3 * 3 * 2
        assert (len(stream), len(held_out)) == (one_session, one_session)
        assert len(course.base) == (1 if same else len(PEOPLE) - 1) * 2 * 3 * 5 * 2
        assert len(course.old) * 5 == len(course.base)


def test_new_class_is_not_in_the_base() -> None:
    for seed in (0, 3):
        (course,) = SCENARIOS["new-class"].courses("digits", seed)
        (lesson,) = course.lessons
        assert seed not in set(course.base.labels()) | set(course.old.labels())
        assert set(lesson.held_out.labels()) == {seed}
        assert (lesson.stream.labels() == seed).sum() == FEW == len(lesson.stream) // 2


def test_sequence_goes_through_all_classes() -> None:
    (course,) = SCENARIOS["sequence"].courses("digits", 0)
    order = [set(course.base.labels()), *(set(lesson.stream.labels()) for lesson in course.lessons)]
    assert order == [{0, 1}, {2, 3}, {4, 5}, {6, 7}, {8, 9}]
    assert [set(data.labels()) for data in course.judged_on] == order


def test_scratch_shows_every_sample_in_every_pass() -> None:
    (course,) = SCENARIOS["scratch"].courses("digits", 0)
    stream = course.lessons[0].stream
    assert course.base is None
    assert len(stream) == PASSES * 1300
    passes = stream.x.reshape(PASSES, 1300, -1)
    assert len({bytes(np.sort(p.view("V256"), axis=0).tobytes()) for p in passes.astype(np.float32)}) == 1
    assert not np.array_equal(passes[0], passes[1])


@pytest.mark.parametrize("name", ON_DIGITS)
def test_seed_decides(name: str) -> None:
    def streams(seed: int) -> list[bytes]:
        return [
            lesson.stream.x.tobytes()
            for course in SCENARIOS[name].courses("digits", seed)
            for lesson in course.lessons
        ]

    assert streams(1) == streams(1)
    assert streams(1) != streams(2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SCENARIOS["drift"].courses("myo", 0), "this scenario runs on digits, fashion-mnist, mnist"),
        (lambda: SCENARIOS["new-user"].courses("digits", 0), "runs on myo. Write --data myo"),
        (lambda: SCENARIOS["drift"].courses("digits@test", 0), "divides the data itself. Leave out '@test'"),
    ],
)
def test_data_that_a_scenario_cannot_take(call: Callable[[], object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call()


def test_folder_without_recordings(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no myo_gestures\.npz"):
        SCENARIOS["new-user"].courses(f"myo:{tmp_path}", 0)
