"""Operators on constants and on extents: what exporters write around shapes and weights, computed while reading.

Extents of a flow form an array of objects in which `BATCH` stands for the batch size where the file leaves it open.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import onnx

from neurodeploy.frontends.onnx_ann.builder import Builder, Flow, Rule, Value
from neurodeploy.frontends.onnx_ann.node import Node
from neurodeploy.frontends.onnx_ann.tensors import LARGEST_TENSOR, Array, decode


class _Batch:
    def __repr__(self) -> str:
        return "batch"


BATCH = _Batch()


def is_constant(build: Builder, node: Node) -> bool:
    """Whether no input depends on the network's input."""
    values = (build.value(node, i) for i in range(len(node.inputs)))
    return not any(isinstance(value, Flow) for value in values)


def needed(build: Builder, node: Node, i: int) -> Array:
    """Input i, a constant that must be there."""
    found = build.constant(node, i)
    if found is None:
        raise node.error(f"its input {i + 1} is missing")
    return found


def integers(build: Builder, node: Node, i: int, name: str) -> tuple[int, ...] | None:
    """A list of integers that is input i, or in older opsets the attribute `name`; None where it is neither."""
    if node.has(name):
        return node.ints(name, ())
    given = build.constant(node, i)
    return None if given is None else tuple(int(value) for value in given.reshape(-1))


def constant(build: Builder, node: Node) -> Value:
    """Constant: its value, from whichever attribute holds it."""
    for name in ("value_float", "value_floats", "value_int", "value_ints"):
        if node.has(name):
            return np.asarray(node.get(name, ()), np.float64 if "float" in name else np.int64)
    if not node.has("value"):
        raise node.error("must hold numbers")
    return decode(node.get("value", None), str(node))


def shape(build: Builder, node: Node) -> Value:
    """Shape: extents with the batch; `start` and `end` cut a part out."""
    value = build.value(node, 0)
    extents: list[Any] = []
    if isinstance(value, Flow):
        extents = [BATCH if build.batch is None else build.batch, *value.shape]
    elif value is not None:
        extents = list(value.shape)
    return _list(extents[node.get("start", 0) : node.get("end", None)])


def _list(items: list[Any]) -> Array:
    if BATCH not in items:
        return np.asarray(items, np.int64)
    array = np.empty(len(items), object)
    array[:] = items
    return array


def _cast(build: Builder, node: Node) -> Array:
    given = needed(build, node, 0)
    kind = node.get("to", onnx.TensorProto.FLOAT) if node.op == "Cast" else None
    if kind is None:
        like = build.value(node, 1)
        floating = isinstance(like, Flow) or (like is not None and like.dtype.kind == "f")
    else:
        floating = kind in (1, 10, 11, 16)
    return given if given.dtype == object else given.astype(np.float64 if floating else np.int64)


def _concat(build: Builder, node: Node) -> Array:
    return np.concatenate([needed(build, node, i) for i in range(len(node.inputs))], node.get("axis", 0))


def _gather(build: Builder, node: Node) -> Array:
    return np.take(needed(build, node, 0), needed(build, node, 1).astype(np.int64), node.get("axis", 0))


def _slice(build: Builder, node: Node) -> Array:
    data = needed(build, node, 0)
    starts = integers(build, node, 1, "starts") or ()
    ends = integers(build, node, 2, "ends") or ()
    axes = integers(build, node, 3, "axes") or tuple(range(len(starts)))
    steps = integers(build, node, 4, "steps") or (1,) * len(starts)
    cut = [slice(None)] * data.ndim
    for axis, *of in zip(axes, starts, ends, steps, strict=True):
        cut[axis] = slice(*of)
    return data[tuple(cut)]


def _squeeze(build: Builder, node: Node) -> Array:
    return np.squeeze(needed(build, node, 0), integers(build, node, 1, "axes"))


def _unsqueeze(build: Builder, node: Node) -> Array:
    return np.expand_dims(needed(build, node, 0), integers(build, node, 1, "axes") or 0)


def _reshape(build: Builder, node: Node) -> Array:
    data, target = needed(build, node, 0), [int(extent) for extent in needed(build, node, 1)]
    if not node.get("allowzero", 0):
        target = [data.shape[i] if extent == 0 else extent for i, extent in enumerate(target)]
    return data.reshape(target)


def _expand(build: Builder, node: Node) -> Array:
    data, target = needed(build, node, 0), tuple(int(extent) for extent in needed(build, node, 1))
    if prod(target) > LARGEST_TENSOR:
        raise node.error(f"makes {prod(target)} numbers; {LARGEST_TENSOR} is the most")
    return np.broadcast_to(data, np.broadcast_shapes(data.shape, target))


def _transpose(build: Builder, node: Node) -> Array:
    return np.transpose(needed(build, node, 0), node.ints("perm", ()) or None)


def _arithmetic(compute: Callable[[Array, Array], Array]) -> Callable[[Builder, Node], Array]:
    def fold(build: Builder, node: Node) -> Array:
        a, b = needed(build, node, 0), needed(build, node, 1)
        if object in (a.dtype, b.dtype):
            raise node.error("computes with the batch size, which is not supported")
        if prod(np.broadcast_shapes(a.shape, b.shape)) > LARGEST_TENSOR:
            raise node.error(f"makes more than {LARGEST_TENSOR} numbers")
        with np.errstate(all="ignore"):
            return compute(a, b)

    return fold


def _divide(a: Array, b: Array) -> Array:
    return a / b if "f" in (a.dtype.kind, b.dtype.kind) else np.trunc(a / b).astype(np.int64)


FOLD: dict[str, Callable[[Builder, Node], Array]] = {
    "Add": _arithmetic(np.add),
    "Cast": _cast,
    "CastLike": _cast,
    "Concat": _concat,
    "Div": _arithmetic(_divide),
    "Expand": _expand,
    "Gather": _gather,
    "Identity": lambda build, node: needed(build, node, 0),
    "Mul": _arithmetic(np.multiply),
    "Reshape": _reshape,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Sub": _arithmetic(np.subtract),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
"""What operators do to constants."""


def or_folded(rule: Rule) -> Rule:
    """The rule for a flow, or the result itself where all inputs are constants."""

    def chosen(build: Builder, node: Node) -> Value:
        return FOLD[node.op](build, node) if is_constant(build, node) else rule(build, node)

    return chosen


def only_folded(build: Builder, node: Node) -> Value:
    """An operator that is read for constants alone."""
    if not is_constant(build, node):
        raise node.error("is supported for constants alone, not for what depends on the network's input")
    return FOLD[node.op](build, node)
