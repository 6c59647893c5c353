"""Data that would not fit into the memory of this machine."""

from __future__ import annotations

import os

import numpy as np

from neurodeploy.data.spec import DataSpec
from neurodeploy.errors import UsageError


def check_memory(spec: DataSpec, shape: tuple[int, ...]) -> None:
    """Raise `UsageError` where float32 frames `(N, T, *shape)` are more than the memory of this machine."""
    wanted = 4 * int(np.prod(shape, dtype=object))
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if wanted > there:
        raise UsageError(
            f"data {spec}: {shape[0]} samples in {shape[1]} time steps are {wanted / 2**30:.1f} GiB; this machine "
            f"has {there / 2**30:.1f}. Use fewer time steps"
        )
