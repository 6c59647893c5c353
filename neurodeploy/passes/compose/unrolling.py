"""Any matrix between two arrays with channels as a convolution: each window has its own block of the kernel."""

from __future__ import annotations

from math import prod

from neurodeploy.ir import Shape
from neurodeploy.passes.compose.maps import Array, WindowMap


def unrolled(matrix: Array, given: Shape, shape: Shape) -> WindowMap:
    """A convolution from `given` `(in, *n)` to `shape` `(out, *places)` that is `matrix` between both, flattened.

    Along an axis of n inputs and P places it has stride n, kernel P n and padding (P - 1) n on both sides, so that
    window y has input x at offset x + (P - 1 - y) n: no two windows share a weight for an input.
    """
    axes = len(given) - 1
    weight = matrix.reshape(shape + given)
    backwards = (slice(None), *(slice(None, None, -1) for _ in range(axes)))
    pairs = [axis for i in range(axes) for axis in (1 + i, 2 + axes + i)]
    blocks = weight[backwards].transpose(0, 1 + axes, *pairs)  # (out, in, places_1, n_1, places_2, n_2)
    kernel = tuple(p * n for p, n in zip(shape[1:], given[1:], strict=True))
    before = tuple((p - 1) * n for p, n in zip(shape[1:], given[1:], strict=True))
    ones = (1,) * axes
    return WindowMap(
        blocks.reshape(shape[0], given[0], *kernel), given[1:], (*before, *before), ones, 1, given
    )


def constants(values: Array) -> WindowMap:
    """A convolution that makes `values` `(C, *spatial)` of a single one, `(1, 1, ...)`."""
    return unrolled(values.reshape(prod(values.shape), 1), (1,) * values.ndim, values.shape)
