"""What one run over the data gave."""

from __future__ import annotations

import msgspec


class Point(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The float network, where `bits` is empty, or the compiled one with these bits by layer.

    `prediction` is the class of each sample after all steps; `correct_by_steps` counts the samples that are right
    after the first 1..T steps; `overflows` counts values that a register could not hold, `clipped_inputs` those
    outside the input's grid; `notes` are the compiler's. `unfit` says why there is no such network, and nothing
    else is known then.
    """

    bits: dict[str, int]
    prediction: list[int] = []
    correct_by_steps: list[int] = []
    overflows: int = 0
    clipped_inputs: int = 0
    notes: list[str] = []
    seconds: float = 0.0
    unfit: str = ""

    @property
    def correct(self) -> int:
        """Samples that are right after all steps."""
        return self.correct_by_steps[-1] if self.correct_by_steps else 0
