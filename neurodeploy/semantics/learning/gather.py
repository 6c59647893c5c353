"""G of a whole run of steps: what their modulated errors and traces add up to."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from neurodeploy.semantics.fixed_point import Int64Array
from neurodeploy.semantics.learning.columns import Columns
from neurodeploy.semantics.learning.rule import ThreeFactorRule
from neurodeploy.semantics.learning.update import accumulate, gradient
from neurodeploy.semantics.synapses import float_type

EXACT_INT64 = 1 << 63


def gathered(
    rule: ThreeFactorRule, columns: Columns, modulated: Int64Array, traces: Int64Array
) -> tuple[Int64Array, int]:
    """G `(B, *W)` from m `(B, T, *made)` and x `(B, T, *given)` in order, and how many sums it could not hold.

    In one product where no partial sum can meet the accumulator's end, else step by step; in Python's integers where
    the sums of a step could pass 64 bits.
    """
    shape = (len(modulated), *columns.shape)
    largest = zip(_largest(modulated), _largest(traces), strict=True)
    bounds = [columns.places * m * x for m, x in largest]
    if sum(bounds) <= rule.accumulator.high:
        return _product(columns, modulated, traces, sum(bounds)).reshape(shape), 0
    exact: npt.DTypeLike = np.int64 if max(bounds) + rule.accumulator.high < EXACT_INT64 else object
    total, overflows = np.zeros(shape, exact), 0
    for m, x in zip(np.moveaxis(modulated, 1, 0), np.moveaxis(traces, 1, 0), strict=True):
        total, clipped = accumulate(rule, total, gradient(columns, m, x, exact).reshape(shape))
        overflows += clipped
    return total.astype(np.int64, copy=False), overflows


def _largest(values: Int64Array) -> list[int]:
    """Largest magnitude in each step, over all streams."""
    largest: list[int] = np.abs(values).max(axis=(0, *range(2, values.ndim))).tolist()
    return largest


def _product(columns: Columns, modulated: Int64Array, traces: Int64Array, bound: int) -> Int64Array:
    """sum over steps of m x^T: steps are more places."""
    dtype = float_type(bound)
    maps = columns.maps(modulated.astype(dtype))
    unfolded = columns.unfold(traces.astype(dtype))
    steps_last = [np.moveaxis(a, 1, -2) for a in (maps, unfolded)]
    left, right = (a.reshape(*a.shape[:-2], -1) for a in steps_last)
    product: Int64Array = (left @ np.swapaxes(right, -1, -2)).astype(np.int64)
    return product
