"""Arrays in an .npz file; nothing is ever unpickled."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import InputError

Arrays = dict[str, npt.NDArray[Any]]
_DAMAGED = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    MemoryError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_arrays(path: Path, wanted: Collection[str]) -> tuple[Arrays, list[str]]:
    """Those of the `wanted` arrays that there are, and the names of all.

    Raises `InputError` for a missing or damaged file, or one that holds objects.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        file = np.load(path, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise InputError(f"{path}: holds one bare array. Write it with numpy.savez(path, x=..., y=...)")
        with file:
            found = list(file.files)
            return {key: np.asarray(file[key]) for key in wanted if key in found}, found
    except _DAMAGED as error:
        problem = str(error) or type(error).__name__
        raise InputError(f"{path}: not an .npz file of plain arrays ({problem})") from None


def read_all(path: Path, wanted: Collection[str]) -> Arrays:
    """All `wanted` arrays; `InputError` naming one that is missing."""
    arrays, found = read_arrays(path, wanted)
    missing = [key for key in wanted if key not in arrays]
    if missing:
        raise InputError(f"{path}: no array {missing[0]!r}; there is {', '.join(found) or 'nothing'}")
    return arrays
