"""What one course gave under every method, and the figures that are made of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

METHODS = ("none", "chip", "ottt", "offline", "ridge")
"""No adaptation; our rule on the chip; OTTT in float; retraining offline; ridge regression of the readout."""


@dataclass(frozen=True, slots=True)
class CourseResult:
    """One course with one seed.

    `judged_on` names the columns: 'old' where the course has any, then each lesson. `before` are the integer
    network's accuracies before the first lesson, `after` by method those after the last one; `by_lesson` the chip's
    after each lesson. `chosen` holds what baselines chose for themselves; `drifted` is the course's.
    """

    course: str
    seed: int
    judged_on: tuple[str, ...]
    before: list[float]
    by_lesson: list[list[float]]
    after: dict[str, list[float]]
    chip: dict[str, Any]
    chosen: dict[str, float]
    drifted: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @property
    def has_old(self) -> bool:
        """Whether there are samples of what base training taught."""
        return self.judged_on[0] == "old"

    def new(self, method: str) -> float:
        """Accuracy on the held-out samples of the lessons after the last one, mean over lessons."""
        return float(np.mean(self.after[method][self.has_old :]))

    def old(self, method: str) -> float | None:
        """Accuracy on old samples after the last lesson; None where there are none."""
        return self.after[method][0] if self.has_old else None

    @property
    def forgetting(self) -> float | None:
        """Mean over all columns but the last of the best accuracy so far less the last one, on the chip.

        Source: Chaudhry, Dokania, Ajanthan, Torr, ECCV 2018 (Riemannian Walk), eq. 3. None where there is one column.
        """
        table = np.array([self.before, *self.by_lesson])
        if table.shape[1] == 1:
            return None
        return float(np.mean(table[:-1, :-1].max(axis=0) - table[-1, :-1]))
