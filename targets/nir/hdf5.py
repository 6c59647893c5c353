"""Plain values into the bytes of an HDF5 file; the same values give the same bytes."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import numpy as np

from neurodeploy.frontends.hdf5 import Group

WORTH_SHARING = 64
"""Bytes from which an array that is there twice is stored once."""


def to_bytes(root: Group, h5py: Any) -> bytes:
    """The file that `read_hdf5` reads back as `root`. Arrays are packed by gzip, as the package nir does it."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        _write(root, file, h5py, {})
    return buffer.getvalue()


def _write(group: Group, to: Any, h5py: Any, there: dict[tuple[str, tuple[int, ...], bytes], Any]) -> None:
    for name in group.names:
        if name in group.groups:
            _write(group.groups[name], to.create_group(name), h5py, there)
            continue
        value = group.values[name]
        if isinstance(value, str) or value.dtype.kind == "U":
            content = value if isinstance(value, str) else value.astype(object)
            to.create_dataset(name, data=content, dtype=h5py.string_dtype())
        elif value.nbytes < WORTH_SHARING:
            to.create_dataset(name, data=value, compression="gzip" if value.ndim else None)
        else:
            content = np.ascontiguousarray(value)
            key = (content.dtype.str, content.shape, hashlib.sha256(content.tobytes()).digest())
            if key in there:
                to[name] = there[key]  # a second name of the same array
            else:
                there[key] = to.create_dataset(name, data=content, compression="gzip")
