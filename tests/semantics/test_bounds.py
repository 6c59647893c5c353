from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodeploy.ir import IntDense, IntLIF
from neurodeploy.semantics import bounds, decay, shift
from tests.nets import int_neurons, rngs


def extremes(
    op: IntLIF, current: bounds.Interval, steps: int, draw: np.random.Generator, samples: int = 40
) -> tuple[int, int, int, int]:
    """Least and largest u and v of runs in endless registers, whose currents are often at an end."""
    u, v = np.zeros((2, samples), np.int64)
    seen_u, seen_v = [u], [v]
    for _ in range(steps):
        a = draw.choice(
            [current.low[0], current.high[0], draw.integers(current.low[0], current.high[0] + 1)], samples
        )
        a[0], a[1] = current.low[0], current.high[0]
        u = decay(u, op.du) + a * 64
        v = decay(v, op.dv) + u + op.bias_q[0]
        seen_u.append(u)
        seen_v.append(v)
        fired = (v >= op.fire_at) & (op.reset != "none")
        v = np.where(fired, v - op.threshold_q if op.reset == "subtract" else 0, v)
        u = np.where(fired & op.clear_current, 0, u)
    return int(np.min(seen_u)), int(np.max(seen_u)), int(np.min(seen_v)), int(np.max(seen_v))


def require_within(op: IntLIF, low: int, high: int, steps: int, draw: np.random.Generator) -> None:
    current = bounds.Interval(np.array([low]), np.array([high]))
    found = bounds.neurons(op, current, steps)
    u_low, u_high, v_low, v_high = extremes(op, current, steps, draw)
    assert found.u.low[0] <= u_low
    assert u_high <= found.u.high[0]
    assert found.v.low[0] <= v_low
    assert v_high <= found.v.high[0]


@settings(max_examples=250)
@given(
    int_neurons(1, span=1 << 12) | int_neurons(1, readout=True, span=1 << 12),
    st.integers(-60, 60),
    st.integers(0, 80),
    st.integers(1, 30),
    rngs(),
)
def test_no_value_leaves_the_interval(
    op: IntLIF, low: int, more: int, steps: int, draw: np.random.Generator
) -> None:
    require_within(op, low, low + more, steps, draw)


def test_cleared_current() -> None:
    op = IntLIF((1,), 0, 0, [1000], 100, "subtract", "ge", clear_current=True)
    require_within(op, -1, -1, 10, np.random.default_rng(0))


@given(rngs(), st.integers(-20, 5))
def test_interval_of_sums(draw: np.random.Generator, exponent: int) -> None:
    op = IntDense(draw.integers(-128, 128, (3, 5)), exponent)
    low, high = sorted(draw.integers(-300, 300, 2).tolist())
    found = bounds.sums(op, low, high)
    x = draw.choice([low, high], (200, 5))
    a = shift(x @ op.weight_q.T.astype(np.int64), exponent)
    assert (found.low <= a.min(axis=0)).all()
    assert (a.max(axis=0) <= found.high).all()


def test_interval_of_sums_is_reached() -> None:
    found = bounds.sums(IntDense([[3, -5], [0, 2]], -1), -1, 4)
    assert (found.low.tolist(), found.high.tolist()) == ([-12, -1], [8, 4])
    assert found.magnitude == 12


@given(rngs(), st.integers(1, 300))
def test_partial_sums_in_any_order(draw: np.random.Generator, largest: int) -> None:
    op = IntDense(draw.integers(-128, 128, (4, 6)), -3)
    terms = op.weight_q.astype(np.int64) * draw.integers(-largest, largest + 1, 6)
    shuffled = draw.permuted(terms, axis=1)
    assert np.abs(np.cumsum(shuffled, axis=1)).max() <= bounds.partial_sums(op, largest)


def test_many_steps_stop_early() -> None:
    op = IntLIF((2,), 4096, 2048, [10, -10], 640, "subtract")
    found = bounds.neurons(op, bounds.sums(IntDense([[3, -2], [1, 1]], 0), 0, 9), 1 << 20)
    assert (
        found.v.magnitude
        == bounds.neurons(op, bounds.sums(IntDense([[3, -2], [1, 1]], 0), 0, 9), 100).v.magnitude
    )
