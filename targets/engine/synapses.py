"""Exact integer matrix products by floating-point BLAS, chosen by a proven bound of the sums.

A float32 product of integers is exact while every partial sum stays below 2^24, a float64 product below 2^53.
|W| x_max, summed over the inputs of a neuron, bounds every partial sum in any order of summation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import FitError
from neurodeploy.ir import IntDense
from neurodeploy.semantics import bounds, shift
from neurodeploy.semantics.fixed_point import Int64Array


def product_type(bound: int) -> npt.DTypeLike:
    """The narrowest float type whose products of this bound are exact."""
    if bound < bounds.EXACT_FLOAT32:
        return np.float32
    if bound < bounds.EXACT_FLOAT64:
        return np.float64
    raise FitError(
        f"synaptic sums of up to {bound} exceed 2^53, the largest exact product; use a smaller input range"
    )


def currents(op: IntDense, x: npt.NDArray[Any], input_max: int) -> Int64Array:
    """a = shift(W_q x, exponent) for `x` `(..., in)` of integers up to `input_max`; int64 `(..., out)`."""
    dtype = product_type(bounds.partial_sums(op, input_max))
    sums = x.astype(dtype) @ op.weight_q.T.astype(dtype)
    return shift(sums.astype(np.int64), op.exponent)
