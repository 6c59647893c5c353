from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurodeploy.errors import InputError
from neurodeploy.quant import Method, quantize_weight
from neurodeploy.quant.rounding import gptq, inverse_factor, nearest
from tests.nets import rngs


@given(rngs(), st.integers(2, 8), st.floats(1e-6, 1e6))
def test_rounded_to_the_nearest_step(draw: np.random.Generator, bits: int, size: float) -> None:
    weight = (size * draw.normal(size=(4, 5))).astype(np.float32)
    found = quantize_weight(weight, Method(bits))
    end = 2 ** (bits - 1) - 1
    assert found.weight_q.dtype == np.int8
    assert np.abs(found.weight_q).max() == end
    assert found.scale == pytest.approx(float(np.abs(weight).max()) / end)
    assert np.abs(found.weight_q * found.scale - weight).max() <= found.scale * (0.5 + 1e-6)
    assert found.clipped == 0
    lost = weight.astype(np.float64) - found.weight_q.astype(np.float64) * found.scale
    if lost.any():
        power = (weight.astype(np.float64) ** 2).sum()
        assert found.sqnr_db == pytest.approx(10 * np.log10(power / (lost**2).sum()), abs=0.01)


def test_ends_and_ties() -> None:
    found = quantize_weight(np.array([[-127.0, 127.0, 0.5, 1.5, -2.5, 0.0]]), Method())
    assert found.weight_q.tolist() == [[-127, 127, 0, 2, -2, 0]]
    assert found.scale == 1.0


def test_nothing_lost() -> None:
    assert quantize_weight(np.array([[-0.25, 0.5, 1.75]]), Method(4)).sqnr_db == float("inf")


@pytest.mark.parametrize("shape", [(2, 3), (0, 3)])
def test_a_layer_of_zeros_has_no_scale(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=f"all {np.zeros(shape).size} weights are zero"):
        quantize_weight(np.zeros(shape), Method())


@given(rngs(), st.integers(2, 6))
def test_compensation_loses_less_of_the_current(draw: np.random.Generator, bits: int) -> None:
    weight = draw.normal(size=(6, 40))
    rates = draw.uniform(0.02, 0.6, 40)
    common = draw.random((400, 1)) < 0.5
    spikes = ((draw.random((400, 40)) < rates) & (common | (draw.random((400, 40)) < 0.3))).astype(float)
    moments = (spikes.T @ spikes / len(spikes))[np.newaxis]
    plain, made = (
        quantize_weight(weight, Method(bits, rounding=rounding), moments=moments)  # type: ignore[arg-type]
        for rounding in ("nearest", "gptq")
    )
    assert plain.scale == made.scale
    lost = [np.square(spikes @ (weight - q.scale * q.weight_q).T).mean() for q in (plain, made)]
    assert lost[1] < lost[0]


def test_compensation_of_independent_inputs_is_rounding() -> None:
    x = np.random.default_rng(0).normal(0, 20, (5, 300))
    np.testing.assert_array_equal(gptq(x, 127, np.eye(300)), nearest(x, 127))


def test_truncation_and_stochastic_rounding() -> None:
    weight = np.array([[-127.0, 99.9, -99.9, 0.9, -0.9]])
    made = quantize_weight(weight, Method(rounding="truncate")).weight_q
    assert made.tolist() == [[-127, 99, -99, 0, 0]]
    many = np.full((1, 4000), 0.25)
    many[0, 0] = 127
    drawn = quantize_weight(many, Method(rounding="stochastic", seed=1)).weight_q[0, 1:]
    assert set(drawn.tolist()) == {0, 1} and abs(drawn.mean() - 0.25) < 0.03
    again = quantize_weight(many, Method(rounding="stochastic", seed=1)).weight_q[0, 1:]
    np.testing.assert_array_equal(drawn, again)


def test_ends_of_the_grid() -> None:
    weight = np.append(np.random.default_rng(0).normal(size=999), 40.0).reshape(1, -1)
    ends = {clip: Method(4, clip=clip).scale(weight) * 7 for clip in ("max", "percentile", "mse")}  # type: ignore[arg-type]
    assert ends["max"] == 40.0
    assert 2 < ends["percentile"] < 40 and ends["mse"] < 40
    assert np.log2(Method(4, power_of_two=True).scale(weight)) == 3.0
    assert quantize_weight(weight, Method(4, clip="percentile")).clipped == 1


def test_mse_end_is_the_best_of_all() -> None:
    weight = np.random.default_rng(3).standard_t(3, (4, 200))
    errors = {
        end: quantize_weight(weight, Method(3), end / 3).error
        for end in np.linspace(0.3, 1, 40) * np.abs(weight).max()
    }
    found = quantize_weight(weight, Method(3, clip="mse"))
    assert found.error <= 1.01 * min(errors.values())


@pytest.mark.parametrize("size", [1, 128, 301])
def test_factor_of_the_inverse(size: int) -> None:
    rows = np.random.default_rng(size).normal(size=(2 * size, size))
    h = rows.T @ rows + np.eye(size)
    upper = inverse_factor(h)
    np.testing.assert_allclose(upper.T @ upper @ h, np.eye(size), atol=1e-8)
    assert not np.tril(upper, -1).any()
