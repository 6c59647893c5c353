"""Baseline: all layers retrained offline with the samples that the chip learns from, an upper bound."""

from __future__ import annotations

from neurodeploy.data import joined
from neurodeploy.learning.scenarios.course import Course
from neurodeploy.learning.scenarios.deployed import BATCH_SIZE, RULE, Deployed
from neurodeploy.learning.scenarios.ottt import float_accuracies
from neurodeploy.learning.scenarios.setting import Setting

EPOCHS = 20


def retrained(deployed: Deployed, course: Course, setting: Setting, seed: int) -> list[float]:
    """Accuracies in float after 20 epochs on all streams at once, in batches and with Adam, from the base's weights."""
    from neurodeploy.training import TrainConfig, train

    run = train(
        setting.model,
        joined([lesson.stream for lesson in course.lessons]),
        rule=RULE,
        steps=setting.steps,
        epochs=EPOCHS,
        config=TrainConfig(batch_size=BATCH_SIZE),
        seed=seed,
        start=deployed.folder,
    )
    return float_accuracies(run.module, course, setting.steps)
