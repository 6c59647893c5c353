"""Nodes of NIR that keep nothing from step to step, as operations of the float graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from neurodeploy.frontends.nir.node import FloatArray, Node
from neurodeploy.ir import AveragePool, Conv, Dense, Flatten, Op, Scale, Shape, SumPool
from neurodeploy.network import Note

LINEAR = frozenset({"Affine", "Linear", "Conv1d", "Conv2d", "Scale", "SumPool2d", "AvgPool2d", "Flatten"})


def layer(node: Node, shape: Shape, notes: list[Note]) -> Op | None:
    """The operation of a node whose input has `shape`; None for one that changes nothing."""
    return LAYERS[node.kind](node, shape, notes)


def has_bias(node: Node) -> bool:
    """True where the node adds something to what it gets."""
    return "bias" in node and bool(node.numbers("bias").any())


def identity(shape: Shape) -> Op:
    """Synapses of weight one, from each element to the neuron in its place."""
    if len(shape) == 1:
        return Dense(np.eye(shape[0], dtype=np.float32), np.zeros(shape[0], np.float32))
    axes, channels = len(shape) - 1, shape[0]
    ones, nothing = (1,) * axes, (0,) * 2 * axes
    weight, bias = np.ones((channels, 1, *ones), np.float32), np.zeros(channels, np.float32)
    return Conv(weight, bias, ones, nothing, ones, channels)


def matrix(node: Node) -> FloatArray:
    """The weight `(out, in)` of an Affine or Linear node; axes of one before these are left out."""
    weight = node.numbers("weight")
    while weight.ndim > 2 and weight.shape[0] == 1:
        weight = weight[0]
    if weight.ndim != 2:
        raise node.refuse(f"weight {node.numbers('weight').shape} must be (out, in)")
    return weight


def _dense(node: Node, shape: Shape, notes: list[Note]) -> Op:
    weight = matrix(node)
    if shape != weight.shape[1:]:
        raise node.fail(f"weight {weight.shape} takes {weight.shape[1]} inputs, but gets shape {shape}")
    bias = node.numbers("bias").ravel() if "bias" in node else np.zeros(len(weight))
    if bias.shape != weight.shape[:1]:
        raise node.fail(f"bias {node.numbers('bias').shape} does not belong to weight {weight.shape}")
    return Dense(_single(node, "weight", weight, notes), _single(node, "bias", bias, notes))


def _conv(node: Node, shape: Shape, notes: list[Note]) -> Op:
    axes = int(node.kind[4])
    weight, bias = node.numbers("weight"), node.numbers("bias").ravel()
    if weight.ndim != axes + 2:
        raise node.fail(f"weight {weight.shape} must have {axes + 2} axes (out, in / groups, *kernel)")
    if bias.shape != weight.shape[:1]:
        raise node.fail(f"bias {bias.shape} does not belong to weight {weight.shape}")
    stride, dilation = node.extents("stride", axes, 1), node.extents("dilation", axes, 1)
    if "input_shape" in node and node.extents("input_shape", axes, 1) != shape[1:]:
        notes.append(_declared(node, "input_shape", node.extents("input_shape", axes, 1), shape[1:]))
    return Conv(
        _single(node, "weight", weight, notes),
        _single(node, "bias", bias, notes),
        stride,
        _padding(node, weight.shape[2:], stride, dilation),
        dilation,
        node.integer("groups"),
    )


def _padding(
    node: Node, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> tuple[int, ...]:
    """Before each axis, then after each; 'same' as torch does it: the odd one of an even span comes after."""
    word = node.word("padding")
    if word is None:
        return node.extents("padding", len(kernel), 0) * 2
    if word == "valid":
        return (0,) * 2 * len(kernel)
    if word != "same":
        raise node.fail(f"padding must be integers, 'same' or 'valid', not {word!r}")
    if max(stride) > 1:
        raise node.refuse(f"padding 'same' needs stride 1, not {list(stride)}")
    whole = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    return (*(n // 2 for n in whole), *(n - n // 2 for n in whole))


def _pool(node: Node, shape: Shape, notes: list[Note]) -> Op:
    kernel, stride = node.extents("kernel_size", 2, 1), node.extents("stride", 2, 1)
    padding = node.extents("padding", 2, 0)
    if node.kind == "SumPool2d":
        return SumPool(kernel, stride, padding * 2)
    if any(padding):
        notes.append(
            Note(node.name, "the zeros of its padding count in the mean, as torch's AvgPool2d has it")
        )
    return AveragePool(kernel, stride, padding * 2)


def _scale(node: Node, shape: Shape, notes: list[Note]) -> Op:
    scale = node.numbers("scale").astype(np.float64)
    return Scale(
        scale.reshape(()) if scale.size == 1 else scale.reshape(_fitting(node, "scale", scale.shape, shape))
    )


def _flatten(node: Node, shape: Shape, notes: list[Note]) -> Op | None:
    """Flatten, where it leaves one axis; nothing, where it leaves all."""
    declared = node.shape("input_type") if "input_type" in node else shape
    if without_ones(declared) != without_ones(shape):
        notes.append(_declared(node, "input_type", declared, shape))
        declared = shape
    start, end = _axis(node, "start_dim", len(declared)), _axis(node, "end_dim", len(declared))
    if start > end:
        raise node.fail(f"start_dim {start} lies after end_dim {end}")
    result = (*declared[:start], int(np.prod(declared[start : end + 1])), *declared[end + 1 :])
    if result == declared or (len(shape) == 1 and len(without_ones(result)) <= 1):
        return None
    if len(without_ones(result)) > 1:
        raise node.refuse(
            f"flattens {declared} to {result}; only all axes at once can be (NIR's start_dim does not count a batch)"
        )
    return Flatten()


def _axis(node: Node, field: str, axes: int) -> int:
    axis = node.integer(field)
    if not -axes <= axis < axes:
        raise node.fail(f"{field} must be an axis of {axes}, not {axis}")
    return axis % axes


def _fitting(node: Node, field: str, given: Shape, shape: Shape) -> Shape:
    if without_ones(given) != without_ones(shape):
        raise node.fail(f"{field} {given} does not belong to its input {shape}")
    return shape


def without_ones(shape: Shape) -> Shape:
    """The shape without its axes of one."""
    return tuple(n for n in shape if n != 1)


def _declared(node: Node, field: str, declared: Shape, shape: Shape) -> Note:
    return Note(node.name, f"{field} says {list(declared)}, but {list(shape)} comes in, which is taken")


def _single(node: Node, field: str, array: FloatArray, notes: list[Note]) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):
        single = array.astype(np.float32)
    changed = np.count_nonzero(single != array)
    if changed:
        notes.append(
            Note(node.name, f"{field}: {changed} of {array.size} numbers of {array.dtype} rounded to float32")
        )
    return single


LAYERS: dict[str, Callable[[Node, Shape, list[Note]], Op | None]] = {
    "Affine": _dense,
    "Linear": _dense,
    "Conv1d": _conv,
    "Conv2d": _conv,
    "Scale": _scale,
    "SumPool2d": _pool,
    "AvgPool2d": _pool,
    "Flatten": _flatten,
}
