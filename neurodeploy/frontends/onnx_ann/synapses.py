"""Conv, Gemm and MatMul with constant weights: layers of synapses."""

from __future__ import annotations

import numpy as np

from neurodeploy.frontends.onnx_ann.builder import Builder, Flow, Value
from neurodeploy.frontends.onnx_ann.constants import needed
from neurodeploy.frontends.onnx_ann.geometry import same_padding
from neurodeploy.frontends.onnx_ann.node import Node
from neurodeploy.frontends.onnx_ann.tensors import Array
from neurodeploy.ir import Conv, Dense


def conv(build: Builder, node: Node) -> Value:
    """Y = W * X + B, cross-correlation in 1d or 2d; W `(out, in / group, *kernel)`."""
    x, weight = build.flow(node), _weight(build, node, 1)
    axes = weight.ndim - 2
    ones = (1,) * axes
    kernel, stride = node.ints("kernel_shape", weight.shape[2:]), node.ints("strides", ones)
    dilation = node.ints("dilations", ones)
    if kernel != weight.shape[2:] or len(x.shape) != axes + 1:
        raise node.error(
            f"its weight {weight.shape} does not fit kernel {kernel} and input (batch, *{x.shape})"
        )
    padding = same_padding(node, x.shape[1:], kernel, stride, dilation)
    bias = _bias(build, node, 2, len(weight))
    return build.add(node, lambda: Conv(weight, bias, stride, padding, dilation, node.get("group", 1)), x)


def gemm(build: Builder, node: Node) -> Value:
    """Y = alpha A B + beta C with A from the input, `(batch, in)`, and B `(in, out)`, transposed where transB says."""
    x, b = build.flow(node), _weight(build, node, 1)
    if node.get("transA", 0):
        raise node.error("transA=1 would exchange samples and inputs; only transA=0 is supported")
    if b.ndim != 2:
        raise node.error(f"its weight must have 2 axes, not shape {b.shape}")
    weight = node.get("alpha", 1.0) * (b if node.get("transB", 0) else b.T)
    bias = node.get("beta", 1.0) * _bias(build, node, 2, len(weight))
    return _dense(build, node, weight, bias, x)


def matmul(build: Builder, node: Node) -> Value:
    """Y = A B with A from the input, `(batch, in)`, and B `(in, out)`; a bias that is added later is folded later."""
    x, weight = build.flow(node), _weight(build, node, 1)
    if weight.ndim != 2:
        raise node.error(f"its weight must have 2 axes, not shape {weight.shape}")
    return _dense(build, node, weight.T, np.zeros(weight.shape[1]), x)


def _dense(build: Builder, node: Node, weight: Array, bias: Array, x: Flow) -> Flow:
    if len(x.shape) != 1:
        raise node.error(f"takes (batch, features), but gets (batch, *{x.shape}); flatten first")
    return build.add(node, lambda: Dense(weight, bias), x)


def _weight(build: Builder, node: Node, i: int) -> Array:
    weight = needed(build, node, i)
    if weight.dtype != np.float64:
        raise node.error(f"its weight '{node.inputs[i]}' must be floating point")
    return weight


def _bias(build: Builder, node: Node, i: int, out: int) -> Array:
    given = build.constant(node, i)
    if given is None:
        return np.zeros(out)
    flat = given.reshape(-1) if given.size in (1, out) and given.shape[-1:] in ((), (1,), (out,)) else None
    if flat is None:
        raise node.error(f"its bias {given.shape} must be one number for each of {out} outputs")
    return np.broadcast_to(flat, (out,)).astype(np.float64)
