"""Data that would not fit into the memory of this machine."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from neurodeploy.data.spec import DataSpec
from neurodeploy.errors import InputError, UsageError


def check_memory(spec: DataSpec, shape: tuple[int, ...]) -> None:
    """Raise `UsageError` where float32 frames `(N, T, *shape)` are more than the memory of this machine."""
    wanted = 4 * int(np.prod(shape, dtype=object))
    if wanted > _there():
        raise UsageError(
            f"data {spec}: {shape[0]} samples in {shape[1]} time steps are {wanted / 2**30:.1f} GiB; this machine "
            f"has {_there() / 2**30:.1f}. Use fewer time steps"
        )


def check_fits(path: Path, wanted: int) -> None:
    """Raise `InputError` where the `wanted` bytes of a file, unpacked, are more than half of the memory.

    The other half is for the same numbers as float32.
    """
    if 2 * wanted > _there():
        raise InputError(
            f"{path}: its arrays are {wanted / 2**30:.1f} GiB when unpacked; at most half of this machine's memory, "
            f"{_there() / 2**31:.1f} GiB, is taken. Split the file"
        )


def _there() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
