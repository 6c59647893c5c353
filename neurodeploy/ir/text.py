"""The readable text form of a graph: one line a layer, arrays by shape, range and fingerprint."""

from __future__ import annotations

import hashlib
from dataclasses import fields
from typing import Any

import numpy as np

from neurodeploy.ir.graph import Graph
from neurodeploy.ir.ops import Op


def to_text(graph: Graph) -> str:
    """The graph as text, for example `fc1 = dense(x, weight=float32[128,64]{-0.31..0.42 #1b2c3d4e})`."""
    width = max(len(name) for name in graph.names)
    return "\n".join(f"{name:<{width}} = {_call(graph, name)}" for name in graph.names) + "\n"


def _call(graph: Graph, name: str) -> str:
    op = graph.op(name)
    arguments = [*graph.sources(name), *_fields(op)]
    return f"{op.kind}({', '.join(arguments)}) : {graph.types[name]}"


def _fields(op: Op) -> list[str]:
    return [f"{f.name}={_value(getattr(op, f.name))}" for f in fields(op)]  # type: ignore[arg-type]


def _value(value: Any) -> str:
    if isinstance(value, np.ndarray):
        extent = ",".join(str(n) for n in value.shape)
        digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()[:8]
        span = f"{value.min():.6g}..{value.max():.6g} " if value.size else ""
        return f"{value.dtype.name}[{extent}]{{{span}#{digest}}}"
    if isinstance(value, tuple):
        return str(list(value))
    if isinstance(value, float):
        return f"{value:.9g}"
    return str(value).lower() if isinstance(value, bool) else str(value)
