"""What a network goes through in a scenario: base training, then lessons."""

from __future__ import annotations

from dataclasses import dataclass

from neurodeploy.data import Dataset


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """Samples that are learned on the chip, once each in this order, and held-out samples of the same kind."""

    name: str
    stream: Dataset
    held_out: Dataset


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """One network's way: trained on `base`, or untrained where that is None, then one lesson after the other.

    `old` are held-out samples of what `base` taught, on which forgetting is measured. No sample of `old` or of a
    lesson's `held_out` is in `base` or in a stream. `drifted` says that `held_out` are the samples of `old` as they are
    seen later, so that accuracy is lost and can be recovered.
    """

    name: str
    base: Dataset | None
    old: Dataset | None
    lessons: tuple[Lesson, ...]
    drifted: bool = False

    @property
    def judged_on(self) -> tuple[Dataset, ...]:
        """The held-out data in the columns of every table of accuracies: `old`, if there is any, then each lesson's."""
        return (*(() if self.old is None else (self.old,)), *(lesson.held_out for lesson in self.lessons))
