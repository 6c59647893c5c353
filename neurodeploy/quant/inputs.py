"""The integer grid of the input, found from real data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import InputError

INPUT_LEVELS = 255
"""Most steps of the grid on either side of zero: 8-bit inputs."""


@dataclass(frozen=True, slots=True)
class InputGrid:
    """x_q = round(x * levels), from `low` to `high`; `lossless` when every calibration value is on the grid."""

    levels: float
    low: int
    high: int
    lossless: bool


def input_grid(x: npt.NDArray[Any]) -> InputGrid:
    """The coarsest lossless grid with up to 255 steps to the largest value, else 255 steps to the largest |x|.

    Pixels of 0..255 divided by 255 get 255 levels, spike counts get 1. Raises `InputError` for data without
    a value other than zero, or with NaN or infinite ones.
    """
    values = np.unique(np.asarray(x, np.float64))
    if values.size == 0 or not np.isfinite(values).all():
        raise InputError(
            f"calibration needs finite data; of {np.size(x)} values some are missing, NaN or infinite"
        )
    largest = float(np.abs(values).max())
    if largest == 0.0:
        raise InputError(f"calibration needs data other than zero; all {np.size(x)} values are 0")
    levels = next((float(n) for n in range(1, INPUT_LEVELS + 1) if _on_grid(values, n, largest)), None)
    lossless = levels is not None
    scale = levels if levels is not None else INPUT_LEVELS / largest
    low, high = int(np.rint(values[0] * scale)), int(np.rint(values[-1] * scale))
    return InputGrid(scale, min(low, 0), max(high, 0), lossless)


def _on_grid(values: npt.NDArray[np.float64], levels: int, largest: float) -> bool:
    scaled = values * levels
    return largest * levels <= INPUT_LEVELS + 0.5 and bool(np.abs(scaled - np.rint(scaled)).max() < 1e-4)
