"""Scenarios: another session of the same person, or another person, on muscle activity of the forearm.

The new recordings are divided by time, not by window: of every gesture's six repetitions the first three are learned
and the last three judge. The session that judges is the third; nothing of it was used to choose a setting.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from neurodeploy.data import select
from neurodeploy.data.myo import REPETITIONS, TEST_SESSION, Myo, Windows
from neurodeploy.data.spec import parse
from neurodeploy.learning.scenarios.course import Course, Lesson
from neurodeploy.learning.scenarios.setting import setting_of, split_spec

Mask = npt.NDArray[np.bool_]
LEARNED = REPETITIONS // 2


def new_session(data: str, seed: int) -> list[Course]:
    """One course a person: trained on the person's earlier sessions, adapted to the last one."""
    found = _windows(data)
    return [
        _course(found, person, (found.person == person) & (found.session != TEST_SESSION), seed)
        for person in np.unique(found.person)
    ]


def new_user(data: str, seed: int) -> list[Course]:
    """One course a person: trained on the earlier sessions of all others, adapted to the person's last one."""
    found = _windows(data)
    return [
        _course(found, person, (found.person != person) & (found.session != TEST_SESSION), seed)
        for person in np.unique(found.person)
    ]


def _windows(data: str) -> Windows:
    setting = setting_of(data, ("myo",))
    return Myo("myo").windows(parse(split_spec(data, "train")), setting.steps)


def _course(found: Windows, person: int, known: Mask, seed: int) -> Course:
    """Base and old data: the repetitions of `known` before the last, and the last one."""
    new, last = (
        (found.person == person) & (found.session == TEST_SESSION),
        found.repetition == REPETITIONS - 1,
    )
    early = np.flatnonzero(new & (found.repetition < LEARNED))
    order = np.random.default_rng(seed).permutation(early)
    lesson = Lesson(
        "new recordings",
        select(found.data, order),
        select(found.data, np.flatnonzero(new & (found.repetition >= LEARNED))),
    )
    base, old = (select(found.data, np.flatnonzero(known & part)) for part in (~last, last))
    return Course(f"person {person + 1}", base, old, (lesson,))
