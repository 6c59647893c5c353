"""G of a whole run of steps: what their modulated errors and traces add up to."""

from __future__ import annotations

import numpy as np

from neurodeploy.semantics.fixed_point import Int64Array
from neurodeploy.semantics.learning.columns import Columns
from neurodeploy.semantics.learning.rule import ThreeFactorRule
from neurodeploy.semantics.learning.update import accumulate, gradient
from neurodeploy.semantics.synapses import float_type


def gathered(
    rule: ThreeFactorRule, columns: Columns, modulated: Int64Array, traces: Int64Array
) -> tuple[Int64Array, int]:
    """G `(B, *W)` from m `(B, T, *made)` and x `(B, T, *given)` in order, and how many sums it could not hold.

    In one product where no partial sum can meet the accumulator's end, else step by step.
    """
    shape = (len(modulated), *columns.shape)
    bound = columns.places * int((_largest(modulated) * _largest(traces)).sum())
    if bound <= rule.accumulator.high:
        return _product(columns, modulated, traces, bound).reshape(shape), 0
    total, overflows = np.zeros(shape, np.int64), 0
    for m, x in zip(np.moveaxis(modulated, 1, 0), np.moveaxis(traces, 1, 0), strict=True):
        total, clipped = accumulate(rule, total, gradient(columns, m, x).reshape(shape))
        overflows += clipped
    return total, overflows


def _largest(values: Int64Array) -> Int64Array:
    """Largest magnitude in each step, over all streams."""
    largest: Int64Array = np.abs(values).max(axis=(0, *range(2, values.ndim)))
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
