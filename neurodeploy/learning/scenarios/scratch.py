"""Scenario: everything the network knows it learns on the chip."""

from __future__ import annotations

import numpy as np

from neurodeploy.data import load, select
from neurodeploy.learning.scenarios.course import Course, Lesson
from neurodeploy.learning.scenarios.images import IMAGES
from neurodeploy.learning.scenarios.setting import setting_of, split_spec

PASSES = 3
NEURONS = ",threshold=0.3"
"""Untrained neurons with the usual threshold of 1 hardly fire: 0.8 % of the steps on digits, with 0.3 20 %."""
MOST = 3000
"""Samples a pass at most."""


def courses(data: str, seed: int) -> list[Course]:
    """Random weights; the stream is at most 3000 training images, three times, each time in another order."""
    setting = setting_of(data, IMAGES)
    train, test = (load(split_spec(data, split)) for split in ("train", "test"))
    random = np.random.default_rng(seed)
    chosen = random.permutation(len(train))[:MOST]
    order = np.concatenate([random.permutation(chosen) for _ in range(PASSES)])
    return [
        Course("scratch", None, None, (Lesson("all", select(train, order), test.limit(setting.held_out)),))
    ]
