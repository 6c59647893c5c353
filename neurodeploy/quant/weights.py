"""Weights to integers with one free scale a layer; the scale is folded into the threshold, so it costs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import InputError


@dataclass(frozen=True, slots=True)
class QuantizedWeight:
    """weight is approximately scale * weight_q, with |weight_q| <= 2^(bits-1) - 1.

    `clipped` counts weights beyond the largest integer; `sqnr_db` is 10 log10(signal power / error power),
    infinite when nothing was lost.
    """

    weight_q: npt.NDArray[np.int8]
    scale: float
    clipped: int
    sqnr_db: float


def weight_max(bits: int) -> int:
    """Largest integer weight of a symmetric grid: 127 for 8 bits."""
    return int((1 << (bits - 1)) - 1)


def quantize_weight(weight: npt.NDArray[Any], bits: int) -> QuantizedWeight:
    """Round to nearest (half to even) on a symmetric grid whose end is the largest |weight|.

    Raises `InputError` when all weights are zero: such a layer has no scale.
    """
    largest = float(np.abs(weight).max(initial=0.0))
    if largest == 0.0:
        raise InputError(f"all {weight.size} weights are zero; the layer passes nothing on")
    scale = largest / weight_max(bits)
    grid = np.rint(weight.astype(np.float64) / scale)
    weight_q = np.clip(grid, -weight_max(bits), weight_max(bits))
    error = float(np.square(weight - scale * weight_q).sum())
    power = float(np.square(weight.astype(np.float64)).sum())
    sqnr = float(10 * np.log10(power / error)) if error > 0 else float("inf")
    return QuantizedWeight(weight_q.astype(np.int8), scale, int(np.count_nonzero(grid != weight_q)), sqnr)
