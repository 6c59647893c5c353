"""Mutations of HDF5 files through the library: arrays of other types, shapes and packings, links, attributes."""

from __future__ import annotations

import io
from random import Random
from typing import Any

import h5py
import numpy as np

ODD: tuple[Any, ...] = (
    *(0, -1, 1.5, 1e300, np.nan, np.inf, np.float16(2), np.int8(-1), True, 1 << 62, np.uint64((1 << 64) - 1)),
    *("", "é", b"CUBA", "NIRGraph", "LIF", "Affine", "Input", [], [[1, 2], [3, 4]], np.zeros((0, 3))),
    *(np.ones(3), np.ones((2, 3)), np.ones((2, 3, 1, 1)), np.array([b"a", b"b"]), 1j, np.zeros(2, "i4,f4")),
)

MOST = 1 << 16
TRIES = 8
"""Some changes do not suit what they meet."""


def mutate(content: bytes, draw: Random) -> bytes:
    """A file with one thing changed; it must not be damaged, for the library may not come back from that."""
    for _ in range(TRIES):
        held = io.BytesIO(content)
        try:
            with h5py.File(held, "r+") as file:
                _change(file, draw)
        except (OSError, ValueError, TypeError, RuntimeError, LookupError, AttributeError, ArithmeticError):
            continue
        return held.getvalue()
    return content


def _change(file: h5py.File, draw: Random) -> None:
    names: list[str] = []
    file.visit(names.append)
    name = draw.choice(names)
    action = draw.random()
    if action < 0.1:
        del file[name]
    elif action < 0.15:
        file[draw.choice(names) + "/more"] = h5py.SoftLink(f"/{name}")
    elif action < 0.2:
        file[f"{name}_"] = h5py.ExternalLink("/etc/passwd", "/")
    elif action < 0.3:
        file.move(name, f"{name}{draw.choice('_é.1')}")
    elif action < 0.4:
        file.copy(file[name], f"{name}.again")
    elif action < 0.45:
        file[name].attrs["unit"] = "mV"
    elif action < 0.7:
        _replace(file, name, draw.choice(ODD))
    else:
        _rewrite(file, name, draw)


def _replace(file: h5py.File, name: str, value: Any) -> None:
    del file[name]
    file[name] = value


def _rewrite(file: h5py.File, name: str, draw: Random) -> None:
    """The same array in another type, shape or packing, or with one number changed."""
    if file[name].size > MOST:
        raise ValueError("an earlier change made it huge")
    array = np.array(file[name][()])
    action = draw.random()
    if action < 0.3 and array.size and array.dtype.kind in "fiu":
        array.flat[draw.randrange(array.size)] = draw.choice((0, 1, -1, 127, 1e9, -1e9))
    elif action < 0.5:
        array = array.reshape(draw.choice([(-1,), (1, *array.shape), (*array.shape, 1), array.T.shape]))
    elif action < 0.7:
        array = array.astype(draw.choice(("f8", ">f4", "i8", "u1", "f2", "S8")))
    del file[name]
    packed = {"compression": draw.choice(("gzip", "lzf"))} if array.ndim and draw.random() < 0.5 else {}
    huge = {"maxshape": (None,) * array.ndim} if packed and draw.random() < 0.5 else {}
    made = file.create_dataset(name, data=array, **packed, **huge)
    if huge and draw.random() < 0.5:
        made.resize(draw.choice((1 << 20, 1 << 40)), axis=0)
