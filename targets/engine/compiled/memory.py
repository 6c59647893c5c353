"""Arrays by their address: how machine code finds the buffers and parameters that a table names."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import types
from numba.extending import intrinsic, overload

Array = npt.NDArray[Any]

ALIGNMENT = 64
SLACK = 64
"""Bytes behind every buffer: products take inputs by four, and may read up to three behind the last."""


@intrinsic
def pointer(typing: Any, address: Any) -> Any:
    """An int64 address as a pointer."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.voidptr(types.int64), generate


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


def item_size(number: Any) -> int:
    """Bytes of a number of this type."""
    return int(np.dtype(number).itemsize)


@overload(item_size)
def _item_size(number: Any) -> Any:
    size = number.dtype.bitwidth // 8

    def found(number: Any) -> Any:
        return size

    return found
