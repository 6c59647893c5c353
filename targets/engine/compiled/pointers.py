"""Addresses in machine code: how compiled functions reach the buffers and parameters that a table names."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic, overload

machine_code = njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""Compiles a function that only other compiled functions call: without what Python would need to call it."""


@intrinsic
def pointer(typing: Any, address: Any) -> Any:
    """An int64 address as a pointer."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.voidptr(types.int64), generate


def item_size(number: Any) -> int:
    """Bytes of a number of this type."""
    return int(np.dtype(number).itemsize)


@overload(item_size)
def _item_size(number: Any) -> Any:
    size = number.dtype.bitwidth // 8

    def found(number: Any) -> Any:
        return size

    return found
