"""Buffers on cache lines of their own, which machine code finds by their address."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

ALIGNMENT = 64
SLACK = 64
"""Bytes behind every buffer: products take inputs by four, and may read up to three behind the last."""


def buffer(elements: int, dtype: npt.DTypeLike, fill: int = 0) -> Array:
    """A flat array on a cache line of its own."""
    number = np.dtype(dtype)
    raw = np.zeros(elements * number.itemsize + ALIGNMENT + SLACK, np.uint8)
    first = -raw.ctypes.data % ALIGNMENT
    found = raw[first : first + elements * number.itemsize].view(number)
    if fill:
        found[:] = fill
    return found


def aligned(values: Array) -> Array:
    """A flat copy on a cache line of its own."""
    found = buffer(values.size, values.dtype)
    found[:] = values.ravel()
    return found


def address(values: Array) -> int:
    """Where the first element lies."""
    return int(values.ctypes.data)
