from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodeploy.ir import IntConv, IntDense, TensorType
from neurodeploy.ir.convolution import convolve
from neurodeploy.semantics import convolution, shift
from neurodeploy.semantics.synapses import Synapses, float_type
from tests.nets import rngs

LARGEST = st.sampled_from([1, 255, 1 << 20, (1 << 31) - 1])
EXPONENTS = st.sampled_from([-31, -3, 0, 2])


def frames(draw: np.random.Generator, shape: tuple[int, ...], largest: int) -> np.ndarray[Any, Any]:
    """Integers `(T, *shape, N)` with both ends."""
    x = draw.integers(-largest, largest + 1, (3, *shape, 2))
    x[0, ..., 0], x[0, ..., 1] = largest, -largest
    return x


@given(rngs(), LARGEST, EXPONENTS)
def test_dense(draw: np.random.Generator, largest: int, exponent: int) -> None:
    op = IntDense(draw.integers(-128, 128, (4, 5)), exponent)
    x = frames(draw, (5,), largest)
    expected = shift(np.einsum("oi,tin->ton", op.weight_q.astype(np.int64), x), exponent)
    np.testing.assert_array_equal(Synapses(op, largest)(x), expected)


@settings(max_examples=150)
@given(rngs(), st.booleans(), LARGEST, EXPONENTS, st.sampled_from([1, 40, 1 << 21]))
def test_convolution(draw: np.random.Generator, flat: bool, largest: int, exponent: int, held: int) -> None:
    axes = 1 if flat else 2
    groups, per_group, outs = draw.integers(1, 3, 3).tolist()
    kernel, stride, dilation = (draw.integers(1, 4, axes).tolist() for _ in range(3))
    padding = draw.integers(0, 3, 2 * axes).tolist()
    shape = (groups * per_group, *(draw.integers(0, 4, axes) + 7).tolist())
    weight = draw.integers(-128, 128, (groups * outs, per_group, *kernel))
    op = IntConv(weight, exponent, tuple(stride), tuple(padding), tuple(dilation), groups)
    assert op.result((TensorType(shape, "value"),)).shape[0] == groups * outs
    x = frames(draw, shape, largest)
    whole = np.stack(
        [convolve(np.moveaxis(f, -1, 0), op.weight_q.astype(np.int64), op.windows, groups) for f in x]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "UNFOLDED_ELEMENTS", held)
        np.testing.assert_array_equal(Synapses(op, largest)(x), np.moveaxis(shift(whole, exponent), 1, -1))


def test_number_type() -> None:
    assert (float_type((1 << 24) - 1), float_type(1 << 24)) == (np.float32, np.float64)
