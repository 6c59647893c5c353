from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurodeploy.errors import UsageError
from neurodeploy.ir import IntLIF
from neurodeploy.semantics import ThreeFactorRule, learning
from tests.nets import DECAYS, rngs

SPIKING = IntLIF((3,), 4096, 0, [0, 0, 0], 100, "subtract")
READOUT = IntLIF((3,), 4096, 0, [0, 0, 0], 0, "none")


def rule(**changes: Any) -> ThreeFactorRule:
    fields: dict[str, Any] = {
        "trace_decay": 2048,
        "impulse": 32,
        "window": 50,
        "margin": 10,
        "rate_shift": 2,
        "rate_shift_end": 4,
        "halve_every": 3,
        "update": "step",
    }
    return ThreeFactorRule(**{**fields, **changes})


def hashed(seed: int, count: int, position: int) -> int:
    """splitmix64 twice, in integers modulo 2^64."""

    def mix(z: int) -> int:
        z = (z + 0x9E3779B97F4A7C15) % 2**64
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return z ^ (z >> 31)

    stream = mix((seed * 0x9E3779B97F4A7C15 + count) % 2**64)
    return mix((stream + position * 0x9E3779B97F4A7C15) % 2**64) >> 1


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**40))
def test_draw(seed: int, count: int) -> None:
    found = learning.draw(seed, count, (3, 4))
    assert found.tolist() == [[hashed(seed, count, 4 * i + j) for j in range(4)] for i in range(3)]


@given(DECAYS, st.integers(1, 127), st.lists(st.integers(0, 1), min_size=1, max_size=30))
def test_trace(d: int, impulse: int, spikes: list[int]) -> None:
    chosen = rule(trace_decay=d, impulse=impulse)
    trace, expected = np.zeros(1, np.int64), 0
    for s in spikes:
        trace = learning.pre_trace(chosen, trace, np.array([s]))
        expected = min(expected * (4096 - d) // 4096 + impulse * s, 127)
        assert trace.tolist() == [expected]


@given(rngs(), st.integers(0, 2), st.integers(0, 200))
def test_error_of_spiking_neurons(draw: np.random.Generator, label: int, window: int) -> None:
    spikes, potential = draw.integers(0, 2, 3), draw.integers(-100, 300, 3)
    found = learning.modulated_error(rule(window=window), SPIKING, spikes, potential, label)
    expected = [
        (int(s) - (i == label)) if abs(int(p) - 100) <= window else 0
        for i, (s, p) in enumerate(zip(spikes, potential, strict=True))
    ]
    assert found.tolist() == expected


def test_ends_of_the_window() -> None:
    silent, potential = np.zeros(3, np.int64), np.array([50, 49, 150])
    found = [
        learning.modulated_error(rule(window=50), SPIKING, silent, potential, n).tolist() for n in range(3)
    ]
    assert found == [[-1, 0, 0], [0, 0, 0], [0, 0, -1]]


@given(rngs(), st.integers(0, 2), st.integers(0, 100))
def test_error_of_a_readout(draw: np.random.Generator, label: int, margin: int) -> None:
    potential = draw.integers(-60, 60, 3)
    found = learning.modulated_error(rule(margin=margin), READOUT, np.zeros(3, np.int64), potential, label)
    score = [int(p) - (margin if i == label else 0) for i, p in enumerate(potential)]
    winner = score.index(max(score))
    assert found.tolist() == [(i == winner) - (i == label) for i in range(3)]


def test_readout_with_enough_margin_makes_no_error() -> None:
    potential, silent = np.array([11, 0, 0]), np.zeros(3, np.int64)
    assert learning.modulated_error(rule(margin=10), READOUT, silent, potential, 0).tolist() == [0, 0, 0]
    assert learning.modulated_error(rule(margin=12), READOUT, silent, potential, 0).tolist() == [-1, 1, 0]


def test_accumulator_saturates_at_24_bits() -> None:
    top = (1 << 23) - 1
    full = np.array([[top - 5, -top + 5]])
    assert learning.accumulate(full, np.array([1]), np.array([3, -3])).tolist() == [[top - 2, -top + 2]]
    assert learning.accumulate(full, np.array([1]), np.array([9, -9])).tolist() == [[top, -top]]


@given(rngs(), st.integers(0, 100), st.integers(0, 9), st.integers(0, 3), st.integers(1, 127))
def test_updated(draw: np.random.Generator, count: int, first: int, more: int, weight_max: int) -> None:
    chosen = rule(rate_shift=first, rate_shift_end=first + more, weight_max=weight_max, seed=count + 7)
    weight = draw.integers(-weight_max, weight_max + 1, (2, 3))
    gathered = draw.integers(-(1 << 23), 1 << 23, (2, 3)) >> draw.integers(0, 23)
    n = min(first + count // 3, first + more)
    assert chosen.shift_of(count) == n
    expected = [
        [
            max(
                -weight_max,
                min(weight_max, int(w) + (hashed(count + 7, count, 3 * i + j) % 2**n - int(g)) // 2**n),
            )
            for j, (w, g) in enumerate(zip(*rows, strict=True))
        ]
        for i, rows in enumerate(zip(weight, gathered, strict=True))
    ]
    assert learning.updated(chosen, weight, gathered, count).tolist() == expected


@pytest.mark.parametrize("gathered", [-100, -37, -1, 0, 1, 5, 63, 64, 1000])
def test_rounding_has_no_bias(gathered: int) -> None:
    n, size = 6, 40_000
    chosen = rule(rate_shift=n, rate_shift_end=n)
    before = np.zeros((1, size), np.int64)
    change = learning.updated(chosen, before, np.full((1, size), gathered), 0)
    part = (-gathered / 2**n) % 1
    error = 5 * (part * (1 - part) / size) ** 0.5
    assert set(change.ravel().tolist()) <= {-gathered // 2**n, -(gathered // 2**n)}
    assert abs(change.mean() + gathered / 2**n) <= error


def test_draws_of_updates_are_unrelated() -> None:
    bits = np.stack([learning.draw(3, count, (1, 4000)).ravel() & 1 for count in range(4)])
    agree = np.corrcoef(bits)
    assert np.abs(agree - np.eye(4)).max() < 0.08
    assert not np.array_equal(learning.draw(3, 0, (1, 9)), learning.draw(4, 0, (1, 9)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trace_decay": 4097}, "trace_decay must be in 0..4096, not 4097"),
        ({"impulse": 128}, "impulse must be in 1..127, not 128"),
        ({"trace_bits": 17}, "trace_bits must be in 1..16, not 17"),
        ({"window": -1}, "window must be in 0..16777216, not -1"),
        ({"margin": 1 << 25}, "margin must be in 0..16777216, not 33554432"),
        ({"rate_shift": 25}, "rate_shift must be in 0..24, not 25"),
        ({"rate_shift_end": 1}, "rate_shift_end must be in 2..24, not 1"),
        ({"halve_every": 0}, "halve_every must be in 1..1099511627776, not 0"),
        ({"weight_max": 128}, "weight_max must be in 1..127, not 128"),
        ({"seed": -1}, "seed must be in 0..9223372036854775807, not -1"),
        ({"update": "epoch"}, "update must be 'step' or 'sample', not 'epoch'"),
    ],
)
def test_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        rule(**changes)
    assert str(caught.value) == f"learning rule: {message}"


def test_plain_values() -> None:
    assert ThreeFactorRule(**rule().to_dict()) == rule()
