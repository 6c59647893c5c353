"""Arrays in an .npz file; nothing is ever unpickled."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.data.memory import check_fits
from neurodeploy.errors import InputError

Arrays = dict[str, npt.NDArray[Any]]
_DAMAGED = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    MemoryError,
    RuntimeError,
    SyntaxError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What numpy and zipfile raise on a damaged file."""


def read_arrays(path: Path, wanted: Collection[str]) -> tuple[Arrays, list[str]]:
    """Those of the `wanted` arrays that there are, and the names of all.

    Raises `InputError` for a missing or damaged file, one that holds objects, or one whose arrays, unpacked, would
    not fit into the memory of this machine.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        file = np.load(path, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise InputError(f"{path}: holds one bare array. Write it with numpy.savez(path, x=..., y=...)")
        with file:
            found = list(file.files)
            there = [key for key in wanted if key in found]
            check_fits(path, sum(_unpacked(file, key) for key in there))
            return {key: np.asarray(file[key]) for key in there}, [_shown(name) for name in found]
    except _DAMAGED as error:
        problem = " ".join(str(error).split()) or type(error).__name__
        if not zipfile.is_zipfile(path):
            problem = "no zip archive, or cut short"
        raise InputError(f"{path}: not an .npz file of plain arrays ({problem})") from None


def _shown(name: str) -> str:
    """A name of the archive, in one line."""
    return name if name.isprintable() else repr(name)


def _unpacked(file: Any, key: str) -> int:
    """Bytes of an array as its entry in the archive says."""
    names = file.zip.NameToInfo
    return int(names[key if key in names else f"{key}.npy"].file_size)


def read_all(path: Path, wanted: Collection[str]) -> Arrays:
    """All `wanted` arrays; `InputError` naming one that is missing."""
    arrays, found = read_arrays(path, wanted)
    missing = [key for key in wanted if key not in arrays]
    if missing:
        raise InputError(f"{path}: no array {missing[0]!r}; there is {', '.join(found) or 'nothing'}")
    return arrays
