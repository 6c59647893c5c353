"""Boards: memory-mapped .npy files through which the processes of one run hand over their results.

Lava's own way, `Var.get`, sends every element through three processes (10 us each), and what it reads is lost
when a process fails. A board is shared memory with a name in the job's folder: written step by step, readable
while the run goes on, and still there when its writer is killed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


def create(path: Path, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Path:
    """Make a board filled with zeros and return its path; a reader finds it whole or not at all."""
    unfinished = path.with_name(f"{path.name}.new")
    board = np.lib.format.open_memmap(unfinished, mode="w+", dtype=np.dtype(dtype), shape=shape)
    del board
    unfinished.replace(path)
    return path


def attach(path: Path, *, writable: bool = False) -> npt.NDArray[Any]:
    """The board at `path` as an array that maps the file; `ValueError` or `OSError` if it is not one."""
    board: npt.NDArray[Any] = np.load(path, mmap_mode="r+" if writable else "r", allow_pickle=False)
    return board


def wanted(given: Mapping[str, Any], names: tuple[str, ...]) -> tuple[Any, ...]:
    """The boards at the paths of those names, writable; None where there is no path."""
    return tuple(None if given[name] is None else attach(given[name], writable=True) for name in names)
