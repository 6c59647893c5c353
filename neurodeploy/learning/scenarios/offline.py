"""Baseline: all layers retrained offline with everything that there is, an upper bound."""

from __future__ import annotations

from neurodeploy.data import joined
from neurodeploy.learning.scenarios.course import Course
from neurodeploy.learning.scenarios.deployed import BATCH_SIZE, RULE, Deployed
from neurodeploy.learning.scenarios.ottt import float_accuracies
from neurodeploy.learning.scenarios.setting import Setting


def retrained(deployed: Deployed, course: Course, setting: Setting, seed: int) -> list[float]:
    """Accuracies in float after base training went on with base and streams in one, as many epochs again."""
    from neurodeploy.training import TrainConfig, train

    known = [] if course.base is None else [course.base]
    run = train(
        setting.model,
        joined([*known, *(lesson.stream for lesson in course.lessons)]),
        rule=RULE,
        steps=setting.steps,
        epochs=setting.epochs,
        config=TrainConfig(batch_size=BATCH_SIZE),
        seed=seed,
        start=deployed.folder,
    )
    return float_accuracies(run.module, course, setting.steps)
