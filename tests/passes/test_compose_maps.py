from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurodeploy.passes.compose.constants import border_kernels, from_pacemaker
from neurodeploy.passes.compose.fusion import extended
from neurodeploy.passes.compose.maps import (
    Flattening,
    Map,
    MatrixMap,
    Placing,
    Pointwise,
    WindowMap,
    compact,
    pointwise,
)
from neurodeploy.passes.compose.merging import merged
from neurodeploy.passes.compose.unrolling import constants, unrolled
from neurodeploy.passes.compose.windows import composed, widened
from tests.nets import rngs


@st.composite
def windows(draw: Callable[..., Any], given: tuple[int, ...], out: int | None = None) -> WindowMap:
    """Any convolution of `given` that fits."""
    axes = len(given) - 1
    kernel = tuple(draw(st.integers(1, 4)) for _ in range(axes))
    dilation = tuple(draw(st.integers(1, 2)) for _ in range(axes))
    padding = [draw(st.integers(0, 3)) for _ in range(2 * axes)]
    for i in range(axes):
        missing = dilation[i] * (kernel[i] - 1) + 1 - given[1 + i] - padding[i] - padding[axes + i]
        padding[axes + i] += max(0, missing)
    groups = draw(st.sampled_from([g for g in (1, 2, given[0]) if given[0] % g == 0]))
    rows = groups * draw(st.integers(1, 2)) if out is None else out
    groups = groups if rows % groups == 0 else 1
    weight = draw(rngs()).integers(-4, 5, (rows, given[0] // groups, *kernel)) / 2
    stride = tuple(draw(st.integers(1, 3)) for _ in range(axes))
    return WindowMap(weight, stride, tuple(padding), dilation, groups, given)


GIVEN = st.sampled_from([(2, 5), (4, 3), (1, 6), (2, 4, 5), (4, 3, 3), (1, 6, 2), (2, 1, 1)])


def batch(shape: tuple[int, ...], rng: np.random.Generator, samples: int = 3) -> np.ndarray:
    return rng.integers(-3, 4, (samples, *shape)) / 2


def through(chain: tuple[Map, ...], x: np.ndarray) -> np.ndarray:
    for one in chain:
        x = one.push(x)
    return x


def assert_adjoint(one: Map, rng: np.random.Generator) -> None:
    x, y = batch(one.given, rng), batch(one.shape, rng)
    assert one.push(x).shape == y.shape
    assert one.pull(y).shape == x.shape
    assert (one.push(x) * y).sum() == (x * one.pull(y)).sum()


@given(GIVEN.flatmap(windows), rngs())
def test_pull_of_windows_is_the_transpose_of_push(one: WindowMap, rng: np.random.Generator) -> None:
    assert_adjoint(one, rng)


@pytest.mark.parametrize(
    "one",
    [
        pointwise(np.array([[[2.0]], [[-1.0]]]), (2, 3, 3)),
        Flattening((2, 3)),
        MatrixMap(np.arange(6.0).reshape(2, 3)),
        Placing((2, 3), 1, 5),
    ],
)
def test_pull_is_the_transpose_of_push(one: Map) -> None:
    assert_adjoint(one, np.random.default_rng(0))


@given(GIVEN.flatmap(windows))
def test_synapses_are_the_pairs_that_touch(one: WindowMap) -> None:
    ones = WindowMap(np.ones_like(one.weight), one.stride, one.padding, one.dilation, one.groups, one.given)
    assert one.synapses == ones.push(np.ones((1, *one.given))).sum()


@given(st.data(), rngs())
def test_composed_windows(data: st.DataObject, rng: np.random.Generator) -> None:
    inner = data.draw(GIVEN.flatmap(windows))
    outer = data.draw(windows(inner.shape))
    terms = composed(inner, outer)
    x = batch(inner.given, rng)
    assert {term.shape for term in terms} == {outer.shape}
    np.testing.assert_array_equal(sum(term.push(x) for term in terms), outer.push(inner.push(x)))


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "extent", "terms"),
    [
        (2, 2, 0, 6, 1),  # a pool
        (2, 2, 0, 7, 4),  # a row and a column left over
        (2, 2, 1, 6, 1),  # padding of whole windows
        (3, 2, 1, 6, 4),  # windows that reach over the end
        (3, 1, 1, 6, 9),  # windows that reach over both ends
    ],
)
def test_how_many_terms_a_border_needs(
    kernel: int, stride: int, padding: int, extent: int, terms: int
) -> None:
    """Windows before a padded 3x3 kernel."""
    weight, pads = np.ones((1, 1, kernel, kernel)), (padding,) * 4
    inner = WindowMap(weight, (stride, stride), pads, (1, 1), 1, (1, extent, extent))
    outer = WindowMap(np.ones((1, 1, 3, 3)), (1, 1), (1,) * 4, (1, 1), 1, inner.shape)
    assert len(composed(inner, outer)) == terms


def test_pool_before_a_padded_kernel_is_one_strided_kernel() -> None:
    pool = WindowMap(np.full((2, 1, 2, 2), 0.25), (2, 2), (0,) * 4, (1, 1), 2, (2, 8, 8))
    conv = WindowMap(np.ones((3, 2, 3, 3)), (1, 1), (1,) * 4, (1, 1), 1, pool.shape)
    (one,) = composed(pool, conv)
    assert one.weight.shape == (3, 2, 6, 6)
    assert (one.stride, one.padding, one.dilation) == ((2, 2), (2, 2, 2, 2), (1, 1))
    assert (one.weight == 0.25).all()


@given(st.data(), rngs())
def test_extended_chains(data: st.DataObject, rng: np.random.Generator) -> None:
    """Any maps in any order, kept short, do what they do one after the other."""
    shape = data.draw(GIVEN)
    maps: list[Map] = []
    chains: tuple[tuple[Map, ...], ...] = ((),)
    for _ in range(data.draw(st.integers(1, 4))):
        maps.append(data.draw(any_map(maps[-1].shape if maps else shape)))
        chains = tuple(longer for chain in chains for longer in extended(chain, maps[-1]))
    x = batch(shape, rng)
    np.testing.assert_array_equal(sum(through(chain, x) for chain in chains), through(tuple(maps), x))
    assert all(not isinstance(one, Placing) for chain in chains for one in chain[:-1])


@st.composite
def any_map(draw: Callable[..., Any], shape: tuple[int, ...]) -> Map:
    rng = draw(rngs())
    kinds = ["pointwise", "placing"] + (
        ["matrix"] if len(shape) == 1 else ["windows", "windows", "flattening"]
    )
    kind = draw(st.sampled_from(kinds))
    if kind == "windows":
        return draw(windows(shape))
    if kind == "flattening":
        return Flattening(shape)
    if kind == "matrix":
        return MatrixMap(rng.integers(-3, 4, (3, shape[0])) / 2)
    if kind == "placing":
        first = draw(st.integers(0, 2))
        return Placing(shape, first, first + shape[0] + draw(st.integers(0, 2)))
    each = draw(st.sampled_from([(), shape, (shape[0], *(1,) * (len(shape) - 1))]))
    return pointwise(rng.choice([1.0, -0.5, 2.0], each), shape)


@given(st.data(), rngs())
def test_merged_windows(data: st.DataObject, rng: np.random.Generator) -> None:
    one = data.draw(GIVEN.flatmap(windows))
    two = data.draw(windows(one.given, len(one.weight)))
    x = batch(one.given, rng)
    if two.shape == one.shape:
        chain = merged((one,), (two,), one.shape)
        if chain is None:
            assert one.stride != two.stride or widened(one.weight, one.groups, 1).size
        else:
            (both,) = chain
            np.testing.assert_array_equal(both.push(x), one.push(x) + two.push(x))
            assert both.synapses <= one.synapses + two.synapses
            assert both.weight.size <= one.weight.size + two.weight.size


def test_smaller_kernels_are_centred_in_larger_ones() -> None:
    weight = np.arange(18.0).reshape(2, 1, 3, 3)
    large = WindowMap(np.repeat(weight, 2, axis=1), (1, 1), (1,) * 4, (1, 1), 1, (2, 4, 4))
    chain = merged((large,), (pointwise(np.array(3.0), (2, 4, 4)),), (2, 4, 4))
    assert chain is not None
    expected = large.weight.copy()
    expected[[0, 1], [0, 1], 1, 1] += 3
    np.testing.assert_array_equal(chain[0].weight, expected)
    assert chain[0].padding == (1, 1, 1, 1)


def test_kernels_stay_apart_where_together_they_have_more_synapses() -> None:
    by_channel = WindowMap(np.ones((8, 1, 3, 3)), (1, 1), (1,) * 4, (1, 1), 8, (8, 4, 4))
    across = WindowMap(np.ones((8, 8, 1, 1)), (1, 1), (0,) * 4, (1, 1), 1, (8, 4, 4))
    assert merged((by_channel,), (across,), (8, 4, 4)) is None


@given(st.data(), rngs())
def test_unrolled_matrix(data: st.DataObject, rng: np.random.Generator) -> None:
    shape = data.draw(GIVEN)
    out = (data.draw(st.integers(1, 3)), *(data.draw(st.integers(1, 4)) for _ in shape[1:]))
    matrix = rng.integers(-3, 4, (np.prod(out), np.prod(shape))).astype(float)
    x = batch(shape, rng)
    expected = (x.reshape(3, -1) @ matrix.T).reshape(3, *out)
    np.testing.assert_array_equal(unrolled(matrix, shape, out).push(x), expected)


@given(rngs(), st.sampled_from([(2, 5), (2, 6), (3, 4, 5), (1, 1, 1), (2, 2, 7)]), st.integers(0, 3))
def test_border_kernels(rng: np.random.Generator, shape: tuple[int, ...], border: int) -> None:
    """Any constant that is the same for all but `border` places at both ends of an axis."""
    places = [np.arange(n) for n in shape[1:]]
    same = [np.where((i >= border) & (i < len(i) - border), border, i) for i in places]
    values = rng.integers(-3, 4, shape)[(slice(None), *np.ix_(*same))] / 2
    one = border_kernels(values)
    if one is None:
        one = constants(values)
        assert 2 * border >= min(shape[1:])
    np.testing.assert_array_equal(one.push(np.ones((1, *one.given)))[0], values)


@pytest.mark.parametrize(
    ("values", "source", "weight"),
    [
        (np.array([1.0, 2.0]), (1,), (2, 1)),
        (np.broadcast_to(np.array([1.0, 2.0]).reshape(2, 1, 1), (2, 4, 4)), (1, 4, 4), (2, 1, 1, 1)),
        (np.pad(np.ones((1, 3)), [(0, 0), (1, 1)]), (1, 5), (1, 1, 3)),
        (np.arange(4.0).reshape(1, 4), (1, 1), (1, 1, 4)),
    ],
)
def test_what_a_pacemaker_needs(values: np.ndarray, source: tuple[int, ...], weight: tuple[int, ...]) -> None:
    shape, op = from_pacemaker(values)
    assert shape == source
    assert op.weight.shape == weight


def test_compact() -> None:
    values = np.broadcast_to(np.array([1.0, 2.0]).reshape(2, 1, 1), (2, 3, 4))
    assert compact(values).shape == (2, 1, 1)
    assert compact(np.ones((2, 3))).shape == (1, 1)
    assert isinstance(pointwise(2.0, (2, 3)), Pointwise)
    assert pointwise(2.0, (2, 3)).channels.tolist() == [2.0, 2.0]
