"""Operators on each number: sums of branches, constants, batch normalization, ReLU, and ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from neurodeploy.frontends.onnx_ann.builder import Builder, Flow, Rule, Value
from neurodeploy.frontends.onnx_ann.constants import needed
from neurodeploy.frontends.onnx_ann.node import Node
from neurodeploy.frontends.onnx_ann.relu import Relu
from neurodeploy.frontends.onnx_ann.tensors import Array
from neurodeploy.ir import Add, Concat, Scale

Linear = Callable[[Array], tuple[Array, Array]]
"""From a constant c to (scale, shift) of what stands on its other side."""


def add(build: Builder, node: Node) -> Value:
    """A + B: two branches, or one and a constant."""
    if not all(isinstance(build.value(node, i), Flow) for i in (0, 1)):
        return _ADD_CONSTANT(build, node)
    a, b = build.flow(node, 0), build.flow(node, 1)
    return build.add(node, lambda: Scale(2.0), a) if a == b else build.add(node, Add, a, b)


def concat(build: Builder, node: Node) -> Value:
    """Branches one after the other along the channels."""
    flows = [build.flow(node, i) for i in range(len(node.inputs))]
    if node.get("axis", 0) not in (1, -len(flows[0].shape)):
        raise node.error(f"axis={node.get('axis', 0)} is not supported; only 1 (the channels)")
    if len({flow.layer for flow in flows}) < len(flows):
        raise node.error("joins one branch with itself, which is not supported")
    return flows[0] if len(flows) == 1 else build.add(node, Concat, *flows)


def with_constant(before: Linear | None, behind: Linear) -> Rule:
    """A linear operator of a flow x and a constant c, which stands `before` x or `behind` it: a `Scale` of x."""

    def rule(build: Builder, node: Node) -> Value:
        x_first = isinstance(build.value(node, 0), Flow)
        linear = behind if x_first else before
        if linear is None:
            raise node.error("divides by what depends on the input, which is not linear")
        x = build.flow(node, 0 if x_first else 1)
        with np.errstate(all="ignore"):
            scale, shift = linear(_aligned(node, needed(build, node, 1 if x_first else 0), x))
        return build.add(node, lambda: Scale(scale, shift), x)

    return rule


def _aligned(node: Node, constant: Array, x: Flow) -> Array:
    """The constant without the batch axis, with one axis for each of x, or one number."""
    full = constant.reshape((1,) * (len(x.shape) + 1 - constant.ndim) + constant.shape)
    if full.shape[0] != 1 or np.broadcast_shapes(full.shape[1:], x.shape) != x.shape:
        raise node.error(f"its constant {constant.shape} does not fit (batch, *{x.shape})")
    return full.reshape(()) if full.size == 1 else full[0]


_ADD_CONSTANT = with_constant(lambda c: (np.ones(()), c), lambda c: (np.ones(()), c))
MUL = with_constant(lambda c: (c, np.zeros(())), lambda c: (c, np.zeros(())))
SUB = with_constant(lambda c: (-np.ones(()), c), lambda c: (np.ones(()), -c))
DIV = with_constant(None, lambda c: (1.0 / c, np.zeros(())))


def batch_normalization(build: Builder, node: Node) -> Value:
    """y = gamma (x - mean) / sqrt(var + epsilon) + beta for each channel, in evaluation mode."""
    x = build.flow(node)
    if node.get("training_mode", 0):
        raise node.error("is in training mode; export the model in evaluation mode")
    gamma, beta, mean, var = (needed(build, node, i).astype(np.float64).reshape(-1) for i in range(1, 5))
    if any(len(values) != x.shape[0] for values in (gamma, beta, mean, var)):
        raise node.error(f"needs {x.shape[0]} numbers of each kind, one a channel, not {len(gamma)}")
    variance = var + node.get("epsilon", 1e-5)
    if not (variance > 0).all():
        raise node.error(f"variance + epsilon must be positive, not {variance.min():.6g}")
    scale = gamma / np.sqrt(variance)
    per_channel = (len(scale), *(1,) * (len(x.shape) - 1))
    shift = beta - scale * mean
    return build.add(node, lambda: Scale(scale.reshape(per_channel), shift.reshape(per_channel)), x)


def relu(build: Builder, node: Node) -> Value:
    """max(x, 0)."""
    return build.add(node, Relu, build.flow(node))


def clip(build: Builder, node: Node) -> Value:
    """min(max(x, 0), c), as ReLU6."""
    x = build.flow(node)
    low, high = _bound(build, node, 1, "min"), _bound(build, node, 2, "max")
    if low != 0.0:
        raise node.error(f"clips below at {low}; only 0 (ReLU, ReLU6) is supported")
    return build.add(node, lambda: Relu(high), x)


def _bound(build: Builder, node: Node, i: int, name: str) -> float | None:
    if node.has(name):
        bound = float(node.get(name, 0.0))
    else:
        given = build.constant(node, i)
        if given is None:
            return None
        bound = float(given.reshape(-1)[0])
    return None if abs(bound) > 3e38 else bound


def last(build: Builder, node: Node) -> Value:
    """Softmax, LogSoftmax or ArgMax over the classes, at the end: the largest output stays the largest."""
    x = build.flow(node)
    axis = node.get("axis", {"ArgMax": 0}.get(node.op, -1 if node.opset >= 13 else 1))
    if axis not in (1, -len(x.shape)):
        raise node.error(f"axis={axis} of (batch, *{x.shape}) are not the classes; only axis 1 is supported")
    build.note(node, "left out: the class with the largest output stays the same")
    return replace(x, ended=str(node))
