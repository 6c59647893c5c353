"""Sliding windows over numpy arrays: convolution and pooling of a batch, in the array's own number type."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.ir.windows import Windows

Array = npt.NDArray[Any]


def convolve(x: Array, weight: Array, windows: Windows, groups: int) -> Array:
    """The sums of `Conv` without bias: x `(N, in, *spatial)`, weight `(out, in / groups, *kernel)`.

    Returns `(N, out, *places)`. Both arrays have one number type, in which products and sums are made.
    """
    sums = np.zeros((len(x), len(weight), *windows.places(x.shape[2:])), np.result_type(x, weight))
    touching = windows.touching(x.shape[2:])
    if touching is not None:
        near, inputs, places = touching
        sums[(slice(None), slice(None), *places)] = _sums(
            x[(slice(None), slice(None), *inputs)], weight, near, groups
        )
    return sums


def _sums(x: Array, weight: Array, windows: Windows, groups: int) -> Array:
    samples, out = len(x), len(weight)
    seen = slide(x, windows)  # (N, in, *places, *kernel)
    axes = len(windows.kernel)
    places = seen.shape[2 : 2 + axes]
    order = (0, *range(2, 2 + axes), 1, *range(2 + axes, 2 + 2 * axes))  # (N, *places, in, *kernel)
    columns = seen.transpose(order).reshape(samples, *places, groups, -1)
    filters = weight.reshape(groups, out // groups, -1)
    sums = (
        np.matmul(columns[..., np.newaxis, :], filters.transpose(0, 2, 1))[..., 0, :]
        if groups > 1
        else (columns[..., 0, :] @ filters[0].T)
    )
    channels_last = sums.reshape(samples, *places, out)
    return np.moveaxis(channels_last, -1, 1)


def slide(x: Array, windows: Windows, outside: float = 0) -> Array:
    """All windows of x `(N, C, *spatial)`, a view of the padded array: `(N, C, *places, *kernel)`."""
    axes = len(windows.kernel)
    spatial = tuple(range(2, 2 + axes))
    if any(windows.padding):
        around = [(windows.padding[i], windows.padding[axes + i]) for i in range(axes)]
        x = np.pad(x, [(0, 0), (0, 0), *around], constant_values=outside)
    every = np.lib.stride_tricks.sliding_window_view(x, windows.span, axis=spatial)
    strides = tuple(slice(None, None, s) for s in windows.stride)
    dilations = tuple(slice(None, None, d) for d in windows.dilation)
    taken: Array = every[(slice(None), slice(None), *strides, *dilations)]
    return taken
