from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurodeploy.errors import InputError
from neurodeploy.quant import quantize_weight
from tests.nets import rngs


@given(rngs(), st.integers(2, 8), st.floats(1e-6, 1e6))
def test_rounded_to_the_nearest_step(draw: np.random.Generator, bits: int, size: float) -> None:
    weight = (size * draw.normal(size=(4, 5))).astype(np.float32)
    found = quantize_weight(weight, bits)
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
    found = quantize_weight(np.array([[-127.0, 127.0, 0.5, 1.5, -2.5, 0.0]]), 8)
    assert found.weight_q.tolist() == [[-127, 127, 0, 2, -2, 0]]
    assert found.scale == 1.0


def test_nothing_lost() -> None:
    assert quantize_weight(np.array([[-0.25, 0.5, 1.75]]), 4).sqnr_db == float("inf")


@pytest.mark.parametrize("shape", [(2, 3), (0, 3)])
def test_a_layer_of_zeros_has_no_scale(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=f"all {np.zeros(shape).size} weights are zero"):
        quantize_weight(np.zeros(shape), 8)
