from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurodeploy.errors import InputError, UsageError
from neurodeploy.ir import IntInput
from neurodeploy.network import quantize_input
from neurodeploy.quant import InputGrid, input_grid


@pytest.mark.parametrize(
    ("values", "levels", "low", "high", "lossless"),
    [
        (np.arange(256) / 255, 255, 0, 255, True),
        (np.arange(256, dtype=np.float32) / np.float32(255), 255, 0, 255, True),
        (np.arange(17) / 16, 16, 0, 16, True),
        ([0, 1, 2, 7], 1, 0, 7, True),
        ([0, 255], 1, 0, 255, True),
        ([0.0, 1.0], 1, 0, 1, True),
        ([-1.0, -0.5, 0.25], 4, -4, 1, True),
        ([-3.0, -1.0], 1, -3, 0, True),
        ([2.0, 3.0], 1, 0, 3, True),
        ([0.0, 100.0, 300.0], 255 / 300, 0, 255, True),
        ([0.0, 101.0, 300.0], 255 / 300, 0, 255, False),
        ([0.0, 0.1237, 0.77712, 1.0], 255, 0, 255, False),
        ([-2.0, 0.333, 1.7654321], 127.5, -255, 225, False),
    ],
)
def test_grid(values: np.ndarray, levels: float, low: int, high: int, lossless: bool) -> None:
    found = input_grid(np.asarray(values))
    assert found == InputGrid(pytest.approx(levels), low, high, lossless)


@given(st.integers(1, 255), st.lists(st.integers(-255, 255), min_size=1).filter(any))
def test_lossless_grid_gives_every_value_back(levels: int, steps: list[int]) -> None:
    x = np.array(steps) / levels
    found = input_grid(x)
    if np.abs(x).max() * levels <= 255:
        assert found.lossless
        assert found.levels <= levels
    if found.lossless:
        q = quantize_input(IntInput((1,), found.levels, found.low, found.high), x[:, None], 1, False)
        assert q.clipped == 0
        np.testing.assert_allclose(q.x[:, 0] / found.levels, x, rtol=0, atol=2e-4)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((2, 3)), "all 6 values are 0"),
        ([1.0, np.nan], "of 2 values some are missing, NaN or infinite"),
        ([1.0, np.inf], "NaN or infinite"),
        (np.zeros((0, 4)), "of 0 values some are missing"),
    ],
)
def test_refuses(values: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        input_grid(np.asarray(values))


def test_rounds_half_to_even_and_counts_what_it_clips() -> None:
    op = IntInput((5,), 2.0, 0, 4)
    made = quantize_input(op, np.array([[0.25, 0.75, 1.25, 9.0, -0.3]]), 3, False)
    assert made.x.tolist() == [[0, 2, 2, 4, 0]]
    assert (made.clipped, made.steps, made.static, made.samples) == (2, 3, True, 1)


@pytest.mark.parametrize(
    ("shape", "time_axis", "message"),
    [
        ((3,), False, r"takes samples of shape \(5,\), not \(\) \(array \(samples, \*shape\): \(3,\)\)"),
        ((5,), False, r"array \(samples, \*shape\): \(5,\)"),
        ((2, 4), False, r"takes samples of shape \(5,\), not \(4,\)"),
        ((2, 5), True, r"not \(\) \(array \(steps, samples, \*shape\): \(2, 5\)\)"),
        ((0, 5), False, "the data hold 0 samples"),
        ((3, 0, 5), True, "the data hold 0 samples"),
        ((2, 1, 5), True, "the data have 2 time steps; the network runs 3"),
    ],
)
def test_input_that_does_not_fit(shape: tuple[int, ...], time_axis: bool, message: str) -> None:
    with pytest.raises(InputError, match=message):
        quantize_input(IntInput((5,), 1.0, 0, 1), np.zeros(shape), 3, time_axis)


def test_input_with_nan() -> None:
    with pytest.raises(InputError, match="2 values that are NaN or infinite"):
        quantize_input(IntInput((3,), 1.0, 0, 1), np.array([[0, np.nan, np.inf]]), 3, False)


def test_input_that_is_not_numbers() -> None:
    with pytest.raises(InputError):
        quantize_input(IntInput((2,), 1.0, 0, 1), np.array([["a", "b"]]), 3, False)


@pytest.mark.parametrize("levels", [1e-9, 1e300, -1.0, 0.0])
def test_levels_that_make_no_sense(levels: float) -> None:
    with pytest.raises(UsageError):
        input_grid(np.array([0.0, 1.0]), levels)
