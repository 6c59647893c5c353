"""IDX files, raw or gzipped: the format of MNIST and its relatives (http://yann.lecun.com/exdb/mnist)."""

from __future__ import annotations

import gzip
import struct
import zlib
from io import BufferedIOBase
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt

from neurodeploy.data.memory import check_fits
from neurodeploy.errors import InputError

_UINT8 = 0x08
_CHUNK = 1 << 24  # a header may claim any size: memory is only taken for what is there
_FLOAT_BYTES = 4


def read_idx(path: Path, axes: int) -> npt.NDArray[np.uint8]:
    """The unsigned bytes in an IDX file with `axes` axes.

    The header is 0, 0, 8 (unsigned byte), the number of axes, then one big-endian uint32 per axis.
    Raises `InputError` with the file, what was expected and what was found, or where they would not fit into memory.
    """
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if zipped else path.open("rb") as file:
            return _read(file, path, axes)
    except (OSError, EOFError, zlib.error) as error:
        problem = f"{path}: cannot be read ({error})"
        raise InputError(f"{problem}. Fetch it again: neurodeploy data get NAME") from None


def _read(file: BufferedIOBase, path: Path, axes: int) -> npt.NDArray[np.uint8]:
    magic, expected = file.read(4), bytes((0, 0, _UINT8, axes))
    if magic != expected:
        found = f"magic {magic.hex() or 'missing'}, not {expected.hex()}"
        raise InputError(f"{path}: not an IDX file of bytes with {axes} axes: {found}")
    header = file.read(4 * axes)
    if len(header) != 4 * axes:
        raise InputError(f"{path}: truncated: {4 + len(header)} bytes, the header alone has {4 + 4 * axes}")
    shape = struct.unpack(f">{axes}I", header)
    size = prod(shape)
    body = bytearray()
    while len(body) <= size and (chunk := file.read(min(_CHUNK, size + 1 - len(body)))):
        body += chunk
        check_fits(path, _FLOAT_BYTES * len(body))
    if len(body) != size:
        found = f"{len(body)}" if len(body) < size else "more"
        raise InputError(f"{path}: shape {shape} takes {size} bytes after the header, but there are {found}")
    return np.frombuffer(body, np.uint8).reshape(shape)
