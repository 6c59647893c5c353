"""Numbers in an ONNX file: decoded, and read from files beside it without leaving its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, numpy_helper

from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.frontends.onnx_ann.one_line import one_line

Array = npt.NDArray[Any]
LARGEST_TENSOR = 1 << 29
"""Most elements that one tensor may have."""


def decode(tensor: onnx.TensorProto, where: str) -> Array:
    """The numbers of a tensor; floating point of any width becomes float64, integers int64.

    Raises `UnsupportedError` for complex numbers and texts, `InputError` for damaged tensors; `where` names it.
    """
    if tensor.data_location == TensorProto.EXTERNAL:
        raise UnsupportedError(f"{where}: its numbers lie in another file; only those of initializers may")
    kind = (
        TensorProto.DataType.Name(tensor.data_type) if tensor.data_type in _TYPES else str(tensor.data_type)
    )
    try:
        array = np.asarray(numpy_helper.to_array(tensor))
        with np.errstate(all="ignore"):
            if kind in _FLOATS:
                return array.astype(np.float64)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{where}: its numbers are damaged ({one_line(error)})") from None
    if array.dtype.kind in "biu":
        return array.astype(np.int64)
    raise UnsupportedError(f"{where}: holds {kind.lower()}; weights must be 16, 32 or 64 bit real numbers")


_TYPES = frozenset(TensorProto.DataType.values())
_FLOATS = frozenset({"FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16"})


def load_external(tensor: onnx.TensorProto, folder: Path) -> int:
    """Read the bytes of a tensor that lie in another file into the tensor; returns how many.

    Raises `InputError` for a file that is missing, too short or outside `folder` (links are followed).
    """
    entries = {str(entry.key): str(entry.value) for entry in tensor.external_data}
    where = f"tensor '{tensor.name}'"
    path = _inside(folder, entries.get("location", ""), where)
    try:
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", -1))
    except ValueError:
        raise InputError(f"{where}: offset and length in '{path.name}' must be integers") from None
    try:
        size = path.stat().st_size
        length = size - offset if length < 0 else length
        if not 0 <= offset <= offset + length <= size:
            raise InputError(
                f"{where}: takes bytes {offset}..{offset + length} of '{path.name}', which has {size}; cut short?"
            )
        with path.open("rb") as file:
            file.seek(offset)
            tensor.raw_data = file.read(length)
    except OSError as error:
        raise InputError(f"{where}: cannot read '{path.name}': {error.strerror or error}") from None
    tensor.data_location = TensorProto.DEFAULT
    del tensor.external_data[:]
    return length


def _inside(folder: Path, location: str, where: str) -> Path:
    home = folder.resolve()
    try:
        path = (home / location).resolve()
    except (OSError, ValueError, RuntimeError):
        path = home
    if not location or path == home or not path.is_relative_to(home):
        raise InputError(
            f"{where}: its numbers lie in {location!r}, which is not a file inside the model's folder"
        )
    return path
