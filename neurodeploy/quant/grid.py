"""Where the integer grid of a group of weights ends: the scale of one integer step.

A scale S stands for the grid S * {-m, ..., m} with m = 2^(bits-1) - 1. All scales are free real numbers, since the
threshold takes them up, except 'power-of-two'.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, log2
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Clip = Literal["max", "percentile", "mse"]
MSE_RATIOS = np.linspace(0.2, 1.0, 81)
"""Ends of the grid that are tried, as shares of the largest weight."""
MSE_WEIGHTS = 1 << 16
"""Most weights that the error is measured on; evenly spaced ones of a larger group."""


def weight_max(bits: int) -> int:
    """Largest integer weight of a symmetric grid: 127 for 8 bits."""
    return int((1 << (bits - 1)) - 1)


def scale(weight: Array, bits: int, clip: Clip, percentile: float, power_of_two: bool) -> float:
    """The scale of a group of weights; 0 where all are zero.

    - `max`: the grid ends at the largest |weight|, which clips none;
    - `percentile`: at that percentile of |weight|;
    - `mse`: where sum (w - S round(w / S))^2 is least, over 81 ends from a fifth of the largest |weight| up.

    `power_of_two` makes it the next larger power of two.
    """
    size = np.abs(weight.astype(np.float64)).reshape(-1)
    end = ENDS[clip](size, bits, percentile) if size.any() else 0.0
    found = end / weight_max(bits)
    return 2.0 ** ceil(log2(found)) if power_of_two and found else found


def _largest(size: Array, bits: int, percentile: float) -> float:
    return float(size.max())


def _percentile(size: Array, bits: int, percentile: float) -> float:
    return float(np.percentile(size, percentile)) or float(size.max())


def _least_error(size: Array, bits: int, percentile: float) -> float:
    sample = size[:: max(1, len(size) // MSE_WEIGHTS)]
    ends = MSE_RATIOS * size.max()
    return float(min(ends, key=lambda end: _error(sample, end / weight_max(bits), bits)))


def _error(size: Array, step: float, bits: int) -> float:
    return float(np.square(size - step * np.minimum(np.rint(size / step), weight_max(bits))).sum())


ENDS: dict[Clip, Callable[[Array, int, float], float]] = {
    "max": _largest,
    "percentile": _percentile,
    "mse": _least_error,
}
