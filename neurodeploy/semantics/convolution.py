"""Convolution as matrix products over rows: each input row is unfolded once along its last axis.

With `(C, rows, columns, N)` for one step, the unfolded row r holds x[c, r, column + k] as a block
`(C, kernel columns, places, N)`. The window of output row y then is the kernel's rows of blocks, side by side in
memory: no copy for a dilation of 1, so that only the last axis costs memory, not both.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.ir.ops import IntConv

Array = npt.NDArray[Any]

UNFOLDED_ELEMENTS = 1 << 21
"""Largest number of unfolded elements held at a time, unless a single output row needs more."""


class Convolution:
    """W * x for `x` `(T, in, *spatial, N)`; one spatial axis is two, of which the first is 1."""

    def __init__(self, op: IntConv, dtype: np.dtype[np.floating]) -> None:
        flat = len(op.windows.kernel) == 1
        weight = op.weight_q[:, :, np.newaxis] if flat else op.weight_q
        self._flat, self._groups = flat, op.groups
        self._windows = op.windows.two_axes()
        out = len(weight)
        # (group, out / group, kernel row, in / group, kernel column), the order of the unfolded blocks
        rows_first = weight.reshape(op.groups, out // op.groups, *weight.shape[1:]).transpose(0, 1, 3, 2, 4)
        self._weight = rows_first.reshape(op.groups, out // op.groups, -1).astype(dtype)

    def __call__(self, x: Array) -> Array:
        """The sums `(T, out, *places, N)`."""
        x = x[:, :, np.newaxis] if self._flat else x
        padded = self._padded(x)
        places = self._windows.places(x.shape[2:4])
        groups, out, _ = self._weight.shape
        sums = np.empty((len(x), groups, out, *places, x.shape[-1]), self._weight.dtype)
        for step, into in zip(padded, sums, strict=True):
            self._step(step, into)
        whole = sums.reshape(len(x), groups * out, *places, x.shape[-1])
        return whole[:, :, 0] if self._flat else whole

    def _padded(self, x: Array) -> Array:
        top, left, bottom, right = self._windows.padding
        if not any(self._windows.padding):
            return x
        steps, channels, height, width, samples = x.shape
        padded = np.zeros((steps, channels, height + top + bottom, width + left + right, samples), x.dtype)
        padded[:, :, top : top + height, left : left + width] = x
        return padded

    def _step(self, x: Array, into: Array) -> None:
        """One step: `x` `(in, rows, columns, N)`, result `into` `(group, out / group, *places, N)`."""
        windows = self._windows
        stride, dilation, span = windows.stride[0], windows.dilation[0], windows.span[0]
        rows, columns, samples = into.shape[2:]
        per_row = len(x) * windows.kernel[1] * columns * samples
        band = max(1, (UNFOLDED_ELEMENTS // per_row - span) // stride + 1)
        for first in range(0, rows, band):
            last = min(first + band, rows)
            blocks = self._unfolded(x[:, first * stride : (last - 1) * stride + span], columns)
            for y in range(first, last):
                top = (y - first) * stride
                window = blocks[:, top : top + span : dilation].reshape(self._groups, -1, columns * samples)
                row = into[:, :, y].reshape(self._groups, -1, columns * samples)
                np.matmul(self._weight, window, out=row)

    def _unfolded(self, x: Array, columns: int) -> Array:
        """`x` `(in, rows, columns, N)` -> `(group, row, in / group * kernel column * place * N)`."""
        windows = self._windows
        kernel, stride, dilation = windows.kernel[1], windows.stride[1], windows.dilation[1]
        channels, rows, _, samples = x.shape
        blocks = np.empty(
            (self._groups, rows, channels // self._groups, kernel, columns, samples), self._weight.dtype
        )
        by_group = x.reshape(self._groups, -1, *x.shape[1:]).swapaxes(1, 2)
        for k in range(kernel):
            first = k * dilation
            blocks[:, :, :, k] = by_group[..., first : first + (columns - 1) * stride + 1 : stride, :]
        return blocks
