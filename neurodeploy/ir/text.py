"""The readable text form of a graph: one line a layer, arrays by shape, range and fingerprint.

    fc1 = dense(in, weight=float32[128,64]{-0.31..0.42 #1b2c3d4e}, bias=float32[128]{0..0 #5f60718a}) : current[128]

Fields that are as by default are left out. `to_text(graph, arrays=True)` adds the arrays themselves, one line each,
and then `neurodeploy.ir.parse.from_text` gives the same graph back.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import fields
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from neurodeploy.ir.graph import Graph
from neurodeploy.ir.op import Op, default, same

LITTLE_ENDIAN: Final = "<"


def to_text(graph: Graph, *, arrays: bool = False) -> str:
    """The graph as text; with `arrays` their contents follow, as `#fingerprint = base64` (little endian)."""
    width = max(len(name) for name in graph.names)
    lines = [f"{name:<{width}} = {_call(graph, name)}" for name in graph.names]
    if arrays:
        kept = {
            f"{a.dtype.name}#{fingerprint(a)}": a for name in graph.names for a in _arrays(graph.op(name))
        }
        lines += [f"#{key.partition('#')[2]} = {_content(array)}" for key, array in sorted(kept.items())]
    return "\n".join(lines) + "\n"


def fingerprint(array: npt.NDArray[Any]) -> str:
    """The first eight hexadecimal digits of the sha256 of number type, shape and content."""
    head = f"{array.dtype.name}{list(array.shape)}".encode()
    return hashlib.sha256(head + _bytes(array)).hexdigest()[:8]


def _bytes(array: npt.NDArray[Any]) -> bytes:
    return np.ascontiguousarray(array, array.dtype.newbyteorder(LITTLE_ENDIAN)).tobytes()


def _content(array: npt.NDArray[Any]) -> str:
    return base64.b64encode(_bytes(array)).decode()


def _arrays(op: Op) -> list[npt.NDArray[Any]]:
    values = (getattr(op, f.name) for f in fields(op))  # type: ignore[arg-type]
    return [value for value in values if isinstance(value, np.ndarray) and value.ndim]


def _call(graph: Graph, name: str) -> str:
    op = graph.op(name)
    arguments = [*graph.sources(name), *_fields(op)]
    return f"{op.kind}({', '.join(arguments)}) : {graph.types[name]}"


def _fields(op: Op) -> list[str]:
    """What is not as it is by default."""
    shown = [f for f in fields(op) if not same(getattr(op, f.name), default(f))]  # type: ignore[arg-type]
    return [f"{f.name}={_value(getattr(op, f.name))}" for f in shown]


def _value(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return _value(value.item())
    if isinstance(value, np.ndarray):
        extent = ",".join(str(n) for n in value.shape)
        span = f"{value.min():.6g}..{value.max():.6g}"
        return f"{value.dtype.name}[{extent}]{{{span} #{fingerprint(value)}}}"
    if isinstance(value, tuple):
        return str(list(value))
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return str(value).lower() if isinstance(value, bool) else str(value)
