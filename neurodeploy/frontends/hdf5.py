"""HDF5 files that may be damaged or hostile, as plain values: nothing is followed, nothing is run, nothing grows."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import BackendMissing, InputError

INSTALL = "pip install 'neurodeploy[nir]'"
LARGEST_FILE = 1 << 30
LARGEST_DATA = 1 << 31
"""Most bytes of all arrays together, as they lie in memory."""
MOST_NAMES = 1 << 16
DEEPEST = 40
LONGEST_TEXT = 1 << 24
LONGEST_NAME = 1 << 10
"""Most bytes of a text in an array."""
LARGEST_GROWTH = 1100
"""How many times the bytes of a file its unpacked data can be at most: gzip reaches 1032."""
SMALL = 1 << 20
"""Chunks may be larger than their data by so many bytes."""
ADDRESS_BYTES = 8
"""Every chunk that is there has its address in the file."""
TEXT = np.dtype([("length", "<u4"), ("heap", "<u8"), ("index", "<u4")])
"""A text of any length as it lies in a file with addresses of 8 bytes: its length, and where it is."""
FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 32000: "lzf"}
"""Filters that HDF5 itself or h5py holds; any other would be loaded from a plug-in."""
BROKEN = (
    LookupError,
    OSError,
    ValueError,
    TypeError,
    RuntimeError,
    ArithmeticError,
    MemoryError,
    AttributeError,
)
"""What h5py raises on a damaged file."""
SIGNATURE = b"\x89HDF\r\n\x1a\n"

Value = npt.NDArray[Any] | str
"""Numbers (kinds b, i, u and f), one text, or an array of texts (kind U)."""


@dataclass(slots=True)
class Group:
    """Values and groups in a group of a file, by name; `attributes` are the names of HDF5 attributes."""

    values: dict[str, Value] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    attributes: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """Names of everything in it."""
        return sorted([*self.values, *self.groups])


def import_h5py(what: object) -> Any:
    """The package h5py, which `what` needs; raises `BackendMissing` with the command that installs it."""
    try:
        import h5py
    except ImportError:
        raise BackendMissing(f"{what} needs h5py, which is not installed: {INSTALL}") from None
    return h5py


def read_hdf5(path: Path) -> Group:
    """Everything in a file.

    Raises `InputError` for a file that cannot be read, is no HDF5, is damaged or cut short, links to other places,
    keeps its data in other files, needs a plug-in, or is larger than the limits above; `BackendMissing` without h5py.
    """
    h5py = import_h5py(path)
    content = _content(path)
    if not content.startswith(SIGNATURE):
        raise InputError(f"{path}: not an HDF5 file ({len(content)} bytes)")
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            if file.id.get_create_plist().get_sizes() != (8, 8):
                raise InputError("its addresses are not of 8 bytes; write it again with h5py")
            return _Reader(h5py, content).group(file, "", 0)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except BROKEN as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"{path}: HDF5, but damaged or cut short ({len(content)} bytes): {reason}") from None


def _content(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise InputError(f"{path} has {size} bytes; the largest file is {LARGEST_FILE}")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None


class _Reader:
    """Reads groups within the limits of size, names and depth."""

    def __init__(self, h5py: Any, content: bytes) -> None:
        self._h5py, self._content = h5py, content
        self._bytes = self._names = 0
        self._heaps: dict[int, dict[int, bytes]] = {}

    def group(self, node: Any, path: str, depth: int) -> Group:
        if depth > DEEPEST:
            raise InputError(f"its groups are nested more than {DEEPEST} deep ({path[:200]})")
        found = Group(attributes=sorted(node.attrs))
        for name, child in self._children(node, path):
            if isinstance(child, self._h5py.Group):
                found.groups[name] = self.group(child, f"{path}/{name}", depth + 1)
            else:
                found.values[name] = self._value(child, f"{path}/{name}")
                found.attributes += [f"{name}:{key}" for key in sorted(child.attrs)]
        return found

    def _children(self, node: Any, path: str) -> Iterator[tuple[str, Any]]:
        for name in node:
            where = f"{path}/{name}"
            self._names += 1
            if self._names > MOST_NAMES:
                raise InputError(f"holds more than {MOST_NAMES} names")
            if not isinstance(node.get(name, getlink=True), self._h5py.HardLink):
                raise InputError(f"{where} is a link to another place; the file must hold its own data")
            child = node[name]
            if not isinstance(child, (self._h5py.Group, self._h5py.Dataset)):
                raise InputError(f"{where} is neither a group nor an array")
            yield name, child

    def _value(self, dataset: Any, where: str) -> Value:
        self._check_storage(dataset, where)
        if self._h5py.check_string_dtype(dataset.dtype) is not None:
            return self._texts(dataset, where)
        if dataset.dtype.kind not in "biuf" or dataset.dtype.itemsize > 8:
            raise InputError(f"{where} holds {dataset.dtype}, which is neither real numbers nor text")
        array = np.asarray(dataset[()])
        return array.astype(array.dtype.newbyteorder("="), copy=False)

    def _check_storage(self, dataset: Any, where: str) -> None:
        if dataset.shape is None:
            raise InputError(f"{where} is empty")
        if dataset.is_virtual or dataset.external:
            raise InputError(f"{where} keeps its numbers in another file; the file must hold its own data")
        settings = dataset.id.get_create_plist()
        packed = [settings.get_filter(i)[0] for i in range(settings.get_nfilters())]
        if not set(packed) <= set(FILTERS):
            raise InputError(f"{where} is packed by filters {packed}; read are {', '.join(FILTERS.values())}")
        size = max(dataset.size, prod(dataset.chunks or ())) * dataset.dtype.itemsize
        self._take(size, where)
        file = len(self._content)
        if size > file * (LARGEST_GROWTH if packed else 1) + SMALL:
            raise InputError(f"{where} {dataset.shape} would be {size} bytes, in a file of {file}; damaged")
        chunks = prod(map(_ceil, dataset.shape, dataset.chunks)) if dataset.chunks else 0
        if ADDRESS_BYTES * chunks > file:
            raise InputError(
                f"{where} {dataset.shape} would be {chunks} chunks of {dataset.chunks}, in a file of {file}; damaged"
            )

    def _take(self, size: int, where: str) -> None:
        self._bytes += size
        if self._bytes > LARGEST_DATA:
            raise InputError(f"{where} brings the data to {self._bytes} bytes; the most is {LARGEST_DATA}")

    def _texts(self, dataset: Any, where: str) -> Value:
        """One text, or an array of names."""
        fixed = self._h5py.check_string_dtype(dataset.dtype).length is not None
        raw = np.asarray(dataset[()], object).ravel().tolist() if fixed else self._packed(dataset, where)
        longest = LONGEST_NAME if dataset.shape else LONGEST_TEXT
        texts = [_text(one, where, longest) for one in raw]
        return np.array(texts, str).reshape(dataset.shape) if dataset.shape else texts[0]

    def _packed(self, dataset: Any, where: str) -> list[bytes]:
        """Texts of any length, out of the heaps of the file: the library trusts these, and may not come back."""
        start = dataset.id.get_offset()
        if start is None:
            raise InputError(
                f"{where} is a text that is packed, or not there; write it again without compression"
            )
        entries = np.frombuffer(self._content, TEXT, dataset.size, start)
        self._take(int(entries["length"].sum(dtype=np.int64)), where)
        found = []
        for length, heap, index in entries.tolist():
            if length and heap not in self._heaps:
                self._heaps[heap] = _heap(self._content, heap)
            text = self._heaps[heap].get(index, b"") if length else b""
            if length > len(text):
                raise InputError(
                    f"{where} should be a text of {length} bytes, of which {len(text)} are there; damaged"
                )
            found.append(text[:length])
        return found


def _ceil(extent: int, chunk: int) -> int:
    return -(-extent // chunk)


def _heap(content: bytes, start: int) -> dict[int, bytes]:
    """The objects of a global heap by their number (HDF5 file format, III.E)."""
    if content[start : start + 5] != b"GCOL\1":
        raise InputError(f"its texts are not where they should be (at {start}); damaged or cut short")
    end = min(start + int.from_bytes(content[start + 8 : start + 16], "little"), len(content))
    found, at = {}, start + 16
    while at + 16 <= end:
        index, size = (int.from_bytes(content[at + i : at + i + n], "little") for i, n in ((0, 2), (8, 8)))
        if index == 0:  # the rest is free
            break
        found[index] = content[at + 16 : min(at + 16 + size, end)]
        at += 16 + -(-size // 8) * 8
    return found


def _text(content: bytes | str, where: str, longest: int) -> str:
    content = content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")
    if len(content) > longest:
        raise InputError(f"{where} holds a text of {len(content)} bytes; the longest is {longest}")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{where} holds a text that is not UTF-8") from None
