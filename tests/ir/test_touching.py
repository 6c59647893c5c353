from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from neurodeploy.ir import Windows
from neurodeploy.ir.convolution import convolve
from tests.nets import rngs

SETTINGS = st.tuples(
    st.integers(1, 3),
    st.integers(1, 9),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(1, 2),
    st.integers(1, 6),
)


def plain_sums(x: np.ndarray, weight: np.ndarray, windows: Windows) -> np.ndarray:
    """One sample and one group, element by element."""
    places = windows.places(x.shape[1:])
    sums = np.zeros((len(weight), *places), np.int64)
    for at in np.ndindex(*sums.shape):
        for i, *tap in product(range(len(x)), *map(range, windows.kernel)):
            seen = [
                y * s - p + k * d
                for y, s, p, k, d in zip(
                    at[1:], windows.stride, windows.padding, tap, windows.dilation, strict=False
                )
            ]
            if all(0 <= j < n for j, n in zip(seen, x.shape[1:], strict=True)):
                sums[at] += weight[(at[0], i, *tap)] * x[(i, *seen)]
    return sums


@given(st.lists(SETTINGS, min_size=1, max_size=2), rngs())
def test_windows_far_from_the_input_change_nothing(
    axes: list[tuple[int, ...]], rng: np.random.Generator
) -> None:
    """Strides and padding far beyond the input: windows that hold none of it give zero."""
    kernel, stride, before, after, dilation, extents = (tuple(axis[i] for axis in axes) for i in range(6))
    windows = Windows(kernel, stride, (*before, *after), dilation)
    if min(windows.places(extents)) < 1 or np.prod(windows.places(extents)) > 60:
        return
    x = rng.integers(-3, 4, (2, 2, *extents))
    weight = rng.integers(-3, 4, (2, 2, *kernel))
    sums = convolve(x, weight, windows, 1)
    assert sums.dtype == np.int64
    np.testing.assert_array_equal(sums, np.stack([plain_sums(one, weight, windows) for one in x]))


def test_what_touches() -> None:
    windows = Windows((2,), (5,), (11, 6), (1,))
    near, inputs, places = windows.touching((4,)) or (None, None, None)
    assert windows.places((4,)) == (4,)
    assert near == Windows((2,), (5,), (1, 0), (1,))
    assert (inputs, places) == ((slice(0, 1),), (slice(2, 3),))
    assert Windows((1,), (5,), (6, 0), (1,)).touching((4,)) is None
