"""Pools of ONNX: windows, and means over all places."""

from __future__ import annotations

from neurodeploy.frontends.onnx_ann.builder import Builder, Flow, Value
from neurodeploy.frontends.onnx_ann.constants import integers
from neurodeploy.frontends.onnx_ann.geometry import Extents, overhang, same_padding
from neurodeploy.frontends.onnx_ann.node import Node
from neurodeploy.ir import AveragePool, Flatten, MaxPool


def average_pool(build: Builder, node: Node) -> Value:
    """AveragePool; zeros that pad count where `count_include_pad` says so, what `ceil_mode` adds never counts."""
    x = build.flow(node)
    kernel, stride, padding, beyond = _windows(node, x)
    counted = bool(node.get("count_include_pad", 0))
    if any(beyond) and any(padding) and counted:
        raise node.error("ceil_mode with padding that is counted is not supported; use ceil_mode=0")
    padding = _extended(padding, beyond)
    return build.add(node, lambda: AveragePool(kernel, stride, padding, counted and not any(beyond)), x)


def max_pool(build: Builder, node: Node) -> Value:
    """MaxPool; whether it can be spiking is the conversion's question."""
    x = build.flow(node)
    kernel, stride, padding, beyond = _windows(node, x)
    return build.add(node, lambda: MaxPool(kernel, stride, _extended(padding, beyond)), x)


def global_average_pool(build: Builder, node: Node) -> Value:
    """GlobalAveragePool: the mean over all places, `(C, *spatial)` -> `(C, 1, ...)`."""
    return _mean(build, node, build.flow(node))


def reduce_mean(build: Builder, node: Node) -> Value:
    """ReduceMean over all spatial axes; without `keepdims` the result is `(C,)`."""
    x = build.flow(node)
    rank = len(x.shape) + 1
    given = integers(build, node, 1, "axes")
    axes = sorted(axis % rank for axis in given or ())
    if axes != list(range(2, rank)) or rank < 3:
        raise node.error(
            f"the mean over axes {list(given or ())} of {rank} is not supported; only over all from 2 on"
        )
    mean = _mean(build, node, x)
    return mean if node.get("keepdims", 1) else build.add(node, Flatten, mean)


def _mean(build: Builder, node: Node, x: Flow) -> Flow:
    kernel = x.shape[1:]
    axes = len(kernel)
    return build.add(node, lambda: AveragePool(kernel, (1,) * axes, (0,) * 2 * axes), x)


def _windows(node: Node, x: Flow) -> tuple[Extents, Extents, Extents, Extents]:
    kernel = node.ints("kernel_shape", ())
    axes = len(kernel)
    stride, dilation = node.ints("strides", (1,) * axes), node.ints("dilations", (1,) * axes)
    if any(d != 1 for d in dilation):
        raise node.error(f"dilations {list(dilation)} of a pool are not supported; only 1")
    if len(x.shape) != axes + 1:
        raise node.error(f"its kernel {list(kernel)} does not fit the input (batch, *{x.shape})")
    padding = same_padding(node, x.shape[1:], kernel, stride, dilation)
    if len(padding) != 2 * axes:
        raise node.error(f"pads must be {2 * axes} integers, not {list(padding)}")
    if any(pad >= k for pad, k in zip(padding, kernel * 2, strict=True)):
        raise node.error(f"pads {list(padding)} must be smaller than the kernel {list(kernel)}")
    beyond = overhang(x.shape[1:], kernel, stride, padding) if node.get("ceil_mode", 0) else (0,) * axes
    return kernel, stride, padding, beyond


def _extended(padding: Extents, beyond: Extents) -> Extents:
    axes = len(beyond)
    return padding[:axes] + tuple(a + b for a, b in zip(padding[axes:], beyond, strict=True))
