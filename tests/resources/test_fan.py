from __future__ import annotations

from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurodeploy.ir.convolution import convolve
from neurodeploy.resources import Part, layers, split
from neurodeploy.resources.fan import fan_out, windows_seen
from neurodeploy.resources.parts import grids
from tests.nets import rngs
from tests.resources.nets import conv, dense


def matrix(group) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Present synapses `(target, source)` of a convolution, place by place."""
    size = prod(group.source_shape)
    units = np.eye(size).reshape(size, *group.source_shape)
    return convolve(units, group.present.astype(float), group.windows, group.groups).reshape(size, -1).T


@given(
    rngs(),
    st.sampled_from([1, 2]),
    st.sampled_from([0, 1, 2]),
    st.sampled_from([1, 2]),
    st.sampled_from([1, 2]),
)
def test_fan_of_a_convolution_is_that_of_its_matrix(
    rng: np.random.Generator, stride: int, padding: int, groups: int, axes: int
) -> None:
    shape = (4, *rng.integers(3, 7, axes).tolist())
    weight = rng.integers(-1, 2, (6, 4 // groups, *(3,) * axes))
    group = layers(conv(weight, shape, stride, padding, groups)).neurons["lif"].groups[0]
    rows = np.arange(prod(group.target)).reshape(group.target)
    for grid in grids(group.target, 2):
        for part in split("lif", group.target, grid):
            expected = np.count_nonzero(matrix(group)[rows[part.slices].ravel()], axis=0)
            assert np.array_equal(fan_out(group, part.box).ravel(), expected)


def test_fan_of_a_matrix() -> None:
    group = layers(dense([[1, 0, 2], [0, 0, 3]])).neurons["lif1"].groups[0]
    assert fan_out(group, ((0, 2),)).tolist() == [1, 0, 2]
    assert fan_out(group, ((1, 2),)).tolist() == [0, 0, 1]


def test_windows_of_a_3x3_kernel() -> None:
    group = layers(conv(np.ones((2, 1, 3, 3)), (1, 5, 5))).neurons["lif"].groups[0]
    rows, columns = windows_seen(group, ((0, 2), (0, 5), (1, 5)))
    assert sorted(zip(*(one.tolist() for one in rows), strict=True)) == [(2, 1), (2, 1), (3, 3)]
    # the first two places see 1 and 2 of columns 1 to 4, the last 2, those between 3
    assert sorted(zip(*(one.tolist() for one in columns), strict=True)) == [(1, 1), (2, 1), (2, 1), (3, 2)]


def test_windows_need_a_convolution() -> None:
    group = layers(dense([[1]])).neurons["lif1"].groups[0]
    with pytest.raises(TypeError, match="only a convolution has windows"):
        windows_seen(group, ((0, 1),))


@given(st.lists(st.integers(1, 6), min_size=1, max_size=3), st.integers(1, 12))
def test_every_grid_covers_the_layer_once(shape: list[int], parts: int) -> None:
    for grid in grids(tuple(shape), parts):
        cut = split("lif", tuple(shape), grid)
        assert len(cut) == parts
        assert prod(grid) == parts
        seen = np.zeros(shape, int)
        for part in cut:
            seen[part.slices] += 1
        assert (seen == 1).all()
        assert max(p.neurons for p in cut) > 0
    assert Part("lif", ((0, 2), (1, 4))).neurons == 6
