"""Interval arithmetic over the integer machine: what values weights and input bounds allow at most.

Every function is monotone in its interval, so the results hold for every input within the bounds.
Intervals are per neuron, int64 `(n,)`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from neurodeploy.ir.ops import IntDense, IntLIF
from neurodeploy.semantics.fixed_point import CURRENT_SHIFT, Int64Array, decay, shift

EXACT_FLOAT32 = 1 << 24
EXACT_FLOAT64 = 1 << 53
EXACT_STEPS = 4096
ENDLESS = float(1 << 62)


@dataclass(frozen=True, slots=True)
class Interval:
    """Smallest and largest value that each neuron can hold; int64 `(n,)`."""

    low: Int64Array
    high: Int64Array

    @property
    def magnitude(self) -> int:
        """Largest absolute value of all."""
        return int(max(np.abs(self.low).max(initial=0), np.abs(self.high).max(initial=0)))

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)


@dataclass(frozen=True, slots=True)
class NeuronBounds:
    """Bounds of the current u and of the potential v before the reset, over all steps of a sample."""

    u: Interval
    v: Interval


def sums(op: IntDense, low: int, high: int) -> Interval:
    """Bounds of a = shift(W_q x, exponent) for every x with low <= x <= high."""
    weight = op.weight_q.astype(np.int64)
    rising, falling = np.maximum(weight, 0).sum(axis=1), np.minimum(weight, 0).sum(axis=1)
    return Interval(
        shift(rising * low + falling * high, op.exponent), shift(rising * high + falling * low, op.exponent)
    )


def partial_sums(op: IntDense, largest_input: int) -> int:
    """Largest magnitude of any partial sum of W_q x, in any order of summation, before the shift.

    Floating-point products of integers are exact while this stays below `EXACT_FLOAT32` or `EXACT_FLOAT64`.
    """
    return int(np.abs(op.weight_q.astype(np.int64)).sum(axis=1).max(initial=0)) * largest_input


def neurons(op: IntLIF, current: Interval, steps: int) -> NeuronBounds:
    """Bounds of u and v over `steps` steps from the reset state.

    Stops once they no longer grow; after `EXACT_STEPS` steps the rest is bounded by linear growth, without
    decay and reset, which is wider but never too narrow.
    """
    zero = np.zeros(op.shape, np.int64)
    kept = after = widest_u = widest_v = Interval(zero, zero)
    settled = False
    for _ in range(min(steps, EXACT_STEPS)):
        u = Interval(*(decay(end, op.du) + (a << CURRENT_SHIFT) for end, a in _ends(kept, current)))
        v = Interval(*(decay(end, op.dv) + drive + op.bias_q for end, drive in _ends(after, u)))
        after_next, kept_next = _after_reset(op, v), _kept_current(op, u)
        seen = (_hull(widest_u, u), _hull(widest_v, v))
        stable = all(
            _equal(a, b)
            for a, b in zip((after_next, kept_next, *seen), (after, kept, widest_u, widest_v), strict=True)
        )
        settled = _equal(kept_next, kept) and _equal(seen[0], widest_u)
        after, kept, (widest_u, widest_v) = after_next, kept_next, seen
        if stable:
            return NeuronBounds(widest_u, widest_v)
    rest = max(steps - EXACT_STEPS, 0)
    if not settled:
        widest_u = _grown(
            widest_u, Interval(current.low << CURRENT_SHIFT, current.high << CURRENT_SHIFT), rest
        )
    drive = Interval(widest_u.low + op.bias_q, widest_u.high + op.bias_q)
    return NeuronBounds(widest_u, _grown(widest_v, drive, rest))


def _grown(start: Interval, step: Interval, steps: int) -> Interval:
    """Where `start` can get by adding up to `steps` times what lies in `step`; ends at 2^62."""
    low = start.low + np.minimum(step.low, 0) * float(steps)
    high = start.high + np.maximum(step.high, 0) * float(steps)
    return Interval(_clipped(low), _clipped(high)) if steps else start


def _clipped(x: npt.NDArray[np.float64]) -> Int64Array:
    return np.clip(x, -ENDLESS, ENDLESS).astype(np.int64)


def _ends(first: Interval, second: Interval) -> tuple[tuple[Int64Array, Int64Array], ...]:
    return (first.low, second.low), (first.high, second.high)


def _after_reset(op: IntLIF, v: Interval) -> Interval:
    if op.reset == "none":
        return v
    below = np.minimum(v.high, op.fire_at - 1)
    reset = v.high - op.threshold_q if op.reset == "subtract" else np.zeros_like(v.high)
    return Interval(np.minimum(v.low, 0), np.where(v.high >= op.fire_at, np.maximum(below, reset), below))


def _kept_current(op: IntLIF, u: Interval) -> Interval:
    if not op.clear_current:
        return u
    return Interval(np.minimum(u.low, 0), np.maximum(u.high, 0))


def _hull(first: Interval, second: Interval) -> Interval:
    return Interval(np.minimum(first.low, second.low), np.maximum(first.high, second.high))


def _equal(first: Interval, second: Interval) -> bool:
    return np.array_equal(first.low, second.low) and np.array_equal(first.high, second.high)
