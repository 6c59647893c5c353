"""Weights to integers of one scale a group; the scale is folded into the threshold, so it costs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import InputError
from neurodeploy.quant.grid import Clip, scale, weight_max
from neurodeploy.quant.rounding import Rounding, gptq, nearest, stochastic, truncate

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Method:
    """How weights become integers: `bits` each, the end of the grid (`clip`, `percentile`), and the rounding.

    `power_of_two` restricts scales to powers of two; `seed` is that of stochastic rounding.
    """

    bits: int = 8
    clip: Clip = "max"
    percentile: float = 99.9
    power_of_two: bool = False
    rounding: Rounding = "nearest"
    seed: int = 0

    def scale(self, weight: Array) -> float:
        """The scale that suits these weights; 0 where all are zero."""
        return scale(weight, self.bits, self.clip, self.percentile, self.power_of_two)


@dataclass(frozen=True, slots=True)
class QuantizedWeight:
    """weight is approximately scale * weight_q, with |weight_q| <= 2^(bits-1) - 1.

    `clipped` counts weights beyond the largest integer; `error` is the sum of squared differences; `sqnr_db` is
    10 log10(signal power / error), infinite when nothing was lost.
    """

    weight_q: npt.NDArray[np.int8]
    scale: float
    clipped: int
    error: float
    sqnr_db: float


def quantize_weight(
    weight: Array, method: Method, scale: float | None = None, moments: Array | None = None, groups: int = 1
) -> QuantizedWeight:
    """Round weights `(out, in / groups, ...)` on a symmetric grid of this scale, by default the one that suits them.

    `moments` `(groups, in, in)` are those of the inputs, for rounding 'gptq' (`quant.rounding.gptq`).
    Raises `InputError` when all weights are zero and no scale is given: such a layer has none.
    """
    if scale is None:
        scale = method.scale(weight)
    if scale == 0.0:
        raise InputError(f"all {weight.size} weights are zero; the layer passes nothing on")
    x = weight.astype(np.float64) / scale
    by_group = x.reshape(groups, len(weight) // groups, -1)
    weight_q = np.stack([_rounded(part, method, moments, i) for i, part in enumerate(by_group)])
    weight_q = weight_q.reshape(weight.shape)
    error = float(np.square(weight - scale * weight_q).sum())
    power = float(np.square(weight.astype(np.float64)).sum())
    sqnr = float(10 * np.log10(power / error)) if error > 0 else float("inf")
    clipped = int(np.count_nonzero(np.abs(np.rint(x)) > weight_max(method.bits)))
    return QuantizedWeight(weight_q.astype(np.int8), scale, clipped, error, sqnr)


def _rounded(x: Array, method: Method, moments: Array | None, group: int) -> Array:
    most = weight_max(method.bits)
    if method.rounding == "stochastic":
        return stochastic(x, most, np.random.default_rng((method.seed, group)))
    if method.rounding == "truncate":
        return truncate(x, most)
    if method.rounding == "gptq" and moments is not None:
        return gptq(x, most, moments[group])
    return nearest(x, most)
