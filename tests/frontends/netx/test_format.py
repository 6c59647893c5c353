"""What Lava computes with when lava-dl loads a matrix, from runs of lava-dl 0.6.0 and lava-nc 0.10.0."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurodeploy.frontends.netx.format import held_by_lava
from tests.nets import rngs


@pytest.mark.parametrize(
    ("given", "held"),
    [
        ([[-256, -2]], [[-254, -2]]),
        ([[-128, -2]], [[-126, -2]]),
        ([[-128, 2]], [[-128, 2]]),
        ([[-256, 254]], [[-256, 254]]),
        ([[-127, 127]], [[-127, 127]]),
        ([[0, 255]], [[0, 255]]),
        ([[0, 2]], [[0, 2]]),
    ],
)
def test_matrices(given: list[list[int]], held: list[list[int]]) -> None:
    np.testing.assert_array_equal(held_by_lava(np.array(given)), held)


@given(rngs(), st.sampled_from([(-128, 128, 2), (-128, 128, 1), (0, 128, 2), (0, 256, 1)]))
def test_weights_of_a_synapse_are_held(rng: np.random.Generator, span: tuple[int, int, int]) -> None:
    low, high, step = span
    weight = step * rng.integers(low, high, (3, 4))
    weight[0, 0] = step
    np.testing.assert_array_equal(held_by_lava(weight), weight)


def test_matrix_of_zeros() -> None:
    with pytest.raises(ValueError, match="all weights are 0"):
        held_by_lava(np.zeros((2, 2), np.int64))


def test_recurrent_weights_share_the_shift() -> None:
    """Forward weights set the shift to 0 bits; the recurrent ones are all negative and clipped at the lowest."""
    forward, back = np.array([[254, -256]]), np.array([[-256, -2]])
    whole = np.hstack((forward, back))
    np.testing.assert_array_equal(held_by_lava(forward, whole), forward)
    assert held_by_lava(back, whole)[0, 0] != -256
