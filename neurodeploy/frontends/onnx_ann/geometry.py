"""Padding and extents of windows as ONNX defines them, in the form of `neurodeploy.ir.windows`."""

from __future__ import annotations

from neurodeploy.frontends.onnx_ann.node import Node
from neurodeploy.ir import Shape

Extents = tuple[int, ...]


def same_padding(node: Node, extents: Shape, kernel: Extents, stride: Extents, dilation: Extents) -> Extents:
    """`pads`, or what `auto_pad` stands for: `(before_1, before_2, after_1, after_2)`.

        SAME: places = ceil(n / stride),  before + after = max(0, (places - 1) stride + span - n)

    The odd zero comes after with SAME_UPPER, before with SAME_LOWER.
    """
    axes = len(kernel)
    for name, values in (("strides", stride), ("dilations", dilation)):
        if len(values) != axes or min(values) < 1:
            raise node.error(f"{name} must be {axes} positive integers, not {list(values)}")
    how = node.get("auto_pad", "NOTSET")
    if how == "NOTSET":
        return node.ints("pads", (0,) * 2 * axes)
    if how == "VALID":
        return (0,) * 2 * axes
    if how not in ("SAME_UPPER", "SAME_LOWER"):
        raise node.error(f"auto_pad must be NOTSET, VALID, SAME_UPPER or SAME_LOWER, not {how!r}")
    total = [
        max(0, (-(-n // s) - 1) * s + d * (k - 1) + 1 - n)
        for n, k, s, d in zip(extents, kernel, stride, dilation, strict=True)
    ]
    less, more = tuple(t // 2 for t in total), tuple(t - t // 2 for t in total)
    return less + more if how == "SAME_UPPER" else more + less


def overhang(extents: Shape, kernel: Extents, stride: Extents, padding: Extents) -> Extents:
    """How far the last window of `ceil_mode` reaches beyond the padding, for each axis; 0 where it does not.

    A window that would start beyond the input and the padding before it is left out.
    """
    axes = len(kernel)
    beyond = []
    for i, (n, k, s) in enumerate(zip(extents, kernel, stride, strict=True)):
        padded = n + padding[i] + padding[axes + i]
        places = -(-(padded - k) // s) + 1
        if (places - 1) * s >= n + padding[i]:
            places -= 1
        beyond.append(max(0, (places - 1) * s + k - padded))
    return tuple(beyond)
