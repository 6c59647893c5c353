"""The integer grid of the input, found from real data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import InputError, UsageError

EVENT_MAX = 255
"""Most events of one input in one step, where no data say otherwise."""
LARGEST_INPUT = 1 << 20
INPUT_LEVELS = 255
"""Most steps of the grid on either side of zero: 8-bit inputs."""


@dataclass(frozen=True, slots=True)
class InputGrid:
    """x_q = round(x * levels), from `low` to `high`; `lossless` when every calibration value is on the grid."""

    levels: float
    low: int
    high: int
    lossless: bool


def grid_of(encoding: str, x: npt.NDArray[Any] | None, levels: float | None = None) -> InputGrid:
    """The grid of an input of this encoding (see `neurodeploy.ir.Input`), with data `x` or without.

    Binary and event inputs are integers: 1 level per unit, up to 1, or the largest count in the data. Raises
    `UsageError` for a graded input without data, `InputError` for data that the encoding cannot be.
    """
    if encoding == "graded":
        if x is None:
            raise UsageError("a graded input needs data that find its integers: give --calibrate DATA")
        return input_grid(x, levels)
    if levels is not None:
        raise UsageError(f"input.levels is for graded inputs; this one is '{encoding}' and has 1 level")
    if x is None:
        return InputGrid(1.0, 0, 1 if encoding == "binary" else EVENT_MAX, True)
    highest = int(x.max(initial=0)) if encoding == "event" else 1
    if (
        x.min(initial=0) < 0
        or (x.max(initial=0) > max(highest, 1))
        or not _on_grid(np.asarray(x, np.float64))
    ):
        raise InputError(
            f"the input is '{encoding}', but the data hold values {x.min():.6g}..{x.max():.6g} that are not "
            f"{'0 or 1' if encoding == 'binary' else 'counts'}"
        )
    return InputGrid(1.0, 0, max(highest, 1), True)


def input_grid(x: npt.NDArray[Any], levels: float | None = None) -> InputGrid:
    """The grid with `levels` steps per unit, or one found from the data `x`.

    Found is the coarsest lossless grid with up to 255 steps to the largest value, else 255 steps to the largest
    |x|: pixels of 0..255 divided by 255 get 255 levels, spike counts get 1. Raises `InputError` for data
    without a value other than zero, or with NaN or infinite ones, `UsageError` for levels that lose every value.
    """
    values = np.unique(np.asarray(x, np.float64))
    if values.size == 0 or not np.isfinite(values).all():
        raise InputError(
            f"calibration needs finite data; of {np.size(x)} values some are missing, NaN or infinite"
        )
    largest = float(np.abs(values).max())
    if largest == 0.0:
        raise InputError(f"calibration needs data other than zero; all {np.size(x)} values are 0")
    if levels is not None and not levels > 0:
        raise UsageError(f"input.levels must be positive, not {levels}")
    scale = levels if levels is not None else _found(values, largest)
    low, high = int(np.rint(values[0] * scale)), int(np.rint(values[-1] * scale))
    if low == high == 0 or largest * scale > LARGEST_INPUT:
        raise UsageError(
            f"input.levels {scale:.6g} makes integers {low}..{high} of inputs up to {largest:.6g}; "
            f"the range must hold more than 0 and at most {LARGEST_INPUT}"
        )
    return InputGrid(scale, min(low, 0), max(high, 0), _on_grid(values * scale))


def _found(values: npt.NDArray[np.float64], largest: float) -> float:
    most = int(min(INPUT_LEVELS, (INPUT_LEVELS + 0.5) // largest))
    lossless = (float(levels) for levels in range(1, most + 1) if _on_grid(values * levels))
    return next(lossless, INPUT_LEVELS / largest)


def _on_grid(scaled: npt.NDArray[np.float64]) -> bool:
    return bool(np.abs(scaled - np.rint(scaled)).max() < 1e-4)
