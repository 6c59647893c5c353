"""Operators that move numbers: of flows, only those that keep the batch and flatten the rest, or do nothing."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from neurodeploy.frontends.onnx_ann.builder import Builder, Flow, Value
from neurodeploy.frontends.onnx_ann.constants import BATCH, FOLD, integers, needed
from neurodeploy.frontends.onnx_ann.node import Node
from neurodeploy.ir import Flatten, Shape


def flatten(build: Builder, node: Node) -> Value:
    """Flatten with axis 1."""
    x = build.flow(node, squeezed=True)
    if node.get("axis", 1) not in (1, -len(x.shape)):
        raise node.error(
            f"axis={node.get('axis', 1)} is not supported; only 1 (keep the batch, flatten the rest)"
        )
    return _flat(build, node, x)


def reshape(build: Builder, node: Node) -> Value:
    """Reshape to (batch, all the rest), or to the shape it has."""
    x, given = build.flow(node, squeezed=True), needed(build, node, 1).reshape(-1)
    target: list[Any] = [extent if extent is BATCH else int(extent) for extent in given]
    if not node.get("allowzero", 0):
        target = [(BATCH, *x.shape)[i] if extent == 0 else extent for i, extent in enumerate(target)]
    shape = _behind_batch(target, prod(x.shape), build.batch)
    if shape == x.shape:
        return x
    if shape != (prod(x.shape),):
        raise node.error(
            f"(batch, *{x.shape}) to {target} is not supported; only to (batch, {prod(x.shape)}): keep the batch, "
            "flatten the rest"
        )
    return _flat(build, node, x)


def _behind_batch(target: list[Any], size: int, batch: int | None) -> Shape | None:
    """The target behind the batch, with -1 filled in; None where the batch does not stay first."""
    if not target or BATCH in target[1:] or target.count(-1) > 1:
        return None
    first, rest = target[0], target[1:]
    if first == -1:
        return tuple(rest) if prod(rest) == size else None
    if first is not BATCH and first != batch:
        return None
    known = prod(extent for extent in rest if extent != -1)
    return tuple(size // max(known, 1) if extent == -1 else extent for extent in rest)


def squeeze(build: Builder, node: Node) -> Value:
    """Squeeze of axes of extent 1 behind the batch."""
    x = build.flow(node, squeezed=True)
    extents = (0, *x.shape)
    given = integers(build, node, 1, "axes")
    axes = {axis % len(extents) for axis in given} if given else {i for i, n in enumerate(extents) if n == 1}
    left = tuple(n for i, n in enumerate(extents) if i and i not in axes)
    if 0 in axes or prod(left) != prod(x.shape):
        raise node.error(f"axes {sorted(axes)} of (batch, *{x.shape}) cannot be left out")
    return _flat(build, node, x) if len(left) == 1 else replace(x, shape=left)


def _flat(build: Builder, node: Node, x: Flow) -> Flow:
    return x if len(x.type.shape) == 1 else build.add(node, Flatten, x)


def same(build: Builder, node: Node) -> Value:
    """Operators that change nothing when the network runs."""
    value = build.value(node, 0)
    if value is None:
        raise node.error("its input is missing")
    return value


def dropout(build: Builder, node: Node) -> Value:
    """Dropout outside training."""
    training = build.constant(node, 2) if len(node.inputs) > 2 else None
    if training is not None and training.any():
        raise node.error("is in training mode; export the model in evaluation mode")
    build.note(node, "left out: it changes nothing when the network runs")
    return build.flow(node, squeezed=True)


def cast(build: Builder, node: Node) -> Value:
    """Cast and CastLike: to another floating point type, they change nothing here."""
    value = build.value(node, 0)
    if not isinstance(value, Flow):
        return FOLD[node.op](build, node)
    if value.ended is None and node.op == "Cast" and node.get("to", 1) not in (1, 10, 11, 16):
        raise node.error(
            "to integers would round what the network computes; only floating point is supported"
        )
    return value
