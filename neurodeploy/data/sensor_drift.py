"""Sensor drift: what turns a trained network's data into data it has to learn anew."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin

import numpy as np
import numpy.typing as npt

from neurodeploy.data.dataset import FloatArray
from neurodeploy.errors import UsageError

SENSOR_LEVELS = 16
"""The digits' sensor counts 0..16 dark pixels in a 4x4 block: 17 levels in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A mounting that turned, an amplifier that aged, and pixels that died.

    Rotation in degrees, counter-clockwise as the image is seen (row 0 on top); `gain` has no unit, `offset`
    is in units of full scale; both are the same for every pixel. `dead` is the share of pixels that give 0 in
    every image; which ones `dead_seed` decides.
    """

    rotation_degrees: float = 20.0
    gain: float = 0.7
    offset: float = 0.1
    dead: float = 0.0
    dead_seed: int = 0

    def __post_init__(self) -> None:
        if not 0.0 <= self.dead <= 1.0:
            raise UsageError(f"drift: the share of dead pixels must be in 0..1, not {self.dead}")


def drift(images: FloatArray, change: Drift, levels: int = SENSOR_LEVELS) -> FloatArray:
    """Images as the drifted sensor sees them.

        y = alive * round(levels * clip(gain * rotate(x) + offset, 0, 1)) / levels

    `images` float32 `(N, H, W)` in [0, 1] -> new array of the same shape; alive `(H, W)` is 0 at dead pixels, else
    1. Rounding is half to even; pixels turned in from outside are 0 before gain and offset. Raises `UsageError`
    for other shapes.
    """
    if images.ndim != 3:
        raise UsageError(f"drift takes images of shape (N, H, W), not {images.shape}")
    turned = change.gain * _rotate(images, radians(change.rotation_degrees)) + change.offset
    counts: FloatArray = np.rint(np.clip(turned, 0.0, 1.0) * levels).astype(np.float32)
    return counts * _alive(change, images.shape[1], images.shape[2]) / np.float32(levels)


def _alive(change: Drift, height: int, width: int) -> FloatArray:
    """1 where a pixel works, 0 at round(dead * H * W) others; RandomState, whose streams never change."""
    pixels = np.ones(height * width, np.float32)
    order = np.random.RandomState(change.dead_seed).permutation(height * width)
    pixels[order[: round(change.dead * height * width)]] = 0.0
    return pixels.reshape(height, width)


def _rotate(images: FloatArray, angle: float) -> npt.NDArray[np.float64]:
    """Turn (N, H, W) images by `angle` radians about their centre, bilinear, zeros outside."""
    height, width = images.shape[1:]
    row, column = np.mgrid[0:height, 0:width].astype(np.float64)
    row -= (height - 1) / 2
    column -= (width - 1) / 2
    from_row = cos(angle) * row + sin(angle) * column + (height - 1) / 2
    from_column = cos(angle) * column - sin(angle) * row + (width - 1) / 2
    return _bilinear(images, from_row, from_column)


def _bilinear(
    images: FloatArray, row: npt.NDArray[np.float64], column: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Sample (N, H, W) images at real coordinates (H, W) from their four neighbours."""
    height, width = images.shape[1:]
    top, left = np.floor(row).astype(int), np.floor(column).astype(int)
    down, right = row - top, column - left
    result = np.zeros(images.shape)
    for r, row_share in ((top, 1 - down), (top + 1, down)):
        for c, column_share in ((left, 1 - right), (left + 1, right)):
            inside = (r >= 0) & (r < height) & (c >= 0) & (c < width)
            share = row_share * column_share * inside
            result += share * images[:, np.clip(r, 0, height - 1), np.clip(c, 0, width - 1)]
    return result
