"""Mutations inside of containers: the content is changed, and sums and lengths are made right again."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
import zlib
from random import Random

from tests.fuzz import raw, values

NPY = b"\x93NUMPY\x01\x00"
DTYPES = (
    "<f8",
    ">i2",
    "|b1",
    "<c16",
    "|O",
    "<U4",
    "|V3",
    "<M8[s]",
    "[('a', '<i4')]",
    "<f16",
    "",
    "4x",
    "(2,)f",
)
SHAPES = (
    "()",
    "(0,)",
    "(-1,)",
    "(1073741824, 4)",
    "(4611686018427387904, 4)",
    "(2, 3",
    "(True,)",
    "(1,)" * 3,
)

ORDERS = ("1", "True", "None")


def npz(content: bytes, draw: Random) -> bytes:
    """A zip archive in which one array, name or packing is changed."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            members = {name: file.read(name) for name in file.namelist()}
    except (zipfile.BadZipFile, ValueError, RuntimeError, NotImplementedError, OSError, EOFError, zlib.error):
        return raw.mutate(content, draw)
    if not members:
        return raw.mutate(content, draw)
    name = draw.choice(list(members))
    action = draw.random()
    if action < 0.1:
        del members[name]
    elif action < 0.2:
        members[draw.choice(("../../evil.npy", "x.npy", "y", "a/b.npy", "time_axis.npy"))] = members[name]
    else:
        members[name] = npy(members[name], draw)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as file:
        for key, held in members.items():
            file.writestr(zipfile.ZipInfo(key), held)
    return packed.getvalue()


def npy(content: bytes, draw: Random) -> bytes:
    """An array whose header says another type or shape, or whose bytes are changed."""
    if not content.startswith(NPY) or len(content) < 10 or draw.random() < 0.3:
        return raw.mutate(content, draw)
    size = int.from_bytes(content[8:10], "little")
    header, body = content[10 : 10 + size].decode("latin-1"), content[10 + size :]
    if draw.random() < 0.3:
        header = raw.mutate(header.encode("latin-1"), draw).decode("latin-1")
    else:
        start, wanted = draw.choice(
            (("'descr': ", DTYPES), ("'shape': ", SHAPES), ("'fortran_order': ", ORDERS))
        )
        before, found, after = header.partition(start)
        value = draw.choice(wanted)
        value = repr(value) if start == "'descr': " and not value.startswith("[") else value
        rest = after[after.find("),") + 1 :] if "shape" in start else after[after.find(",") :]
        header = before + found + value + rest
    header = header[: (1 << 16) - 1]
    return NPY + struct.pack("<H", len(header)) + header.encode("latin-1", "replace") + body


def gzipped(content: bytes, draw: Random) -> bytes:
    """A gzip file whose content is changed."""
    try:
        return gzip.compress(raw.mutate(gzip.decompress(content), draw), 1, mtime=0)
    except (OSError, EOFError, zlib.error):
        return raw.mutate(content, draw)


def safetensors(content: bytes, draw: Random) -> bytes:
    """A safetensors file whose header is changed, and its length made right."""
    size = int.from_bytes(content[:8], "little")
    try:
        header = json.loads(content[8 : 8 + size])
    except (ValueError, RecursionError):
        return raw.mutate(content, draw)
    changed = json.dumps(values.mutate(header, draw)).encode()
    return len(changed).to_bytes(8, "little") + changed + content[8 + size :]
