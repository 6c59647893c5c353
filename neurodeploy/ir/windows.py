"""Windows that slide over the last axes of an array: the geometry of convolutions and pools.

All settings are per spatial axis; `padding` has the order of ONNX, `(before_1, before_2, after_1, after_2)`.
Activations have the axes `(channel, *spatial)`, with one spatial axis (1d) or two (2d).
"""

from __future__ import annotations

from dataclasses import dataclass

from neurodeploy.ir.op import Extents, Op, fail
from neurodeploy.ir.types import Shape, TensorType


@dataclass(frozen=True, slots=True)
class Windows:
    """`kernel`, `stride` and `dilation` `(axes,)`, `padding` `(2 axes,)`."""

    kernel: Extents
    stride: Extents
    padding: Extents
    dilation: Extents

    @property
    def span(self) -> Extents:
        """Inputs from the first to the last of one window: dilation (kernel - 1) + 1."""
        return tuple(d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel, strict=True))

    def places(self, extents: Extents) -> Extents:
        """How many windows there are along each axis: floor((n + before + after - span) / stride) + 1."""
        axes = len(self.kernel)
        return tuple(
            (extents[i] + self.padding[i] + self.padding[axes + i] - self.span[i]) // self.stride[i] + 1
            for i in range(axes)
        )

    def two_axes(self) -> Windows:
        """The same over two axes: one axis is the second of two, of which the first has extent 1."""
        if len(self.kernel) == 2:
            return self
        before, after = self.padding
        return Windows((1, *self.kernel), (1, *self.stride), (0, before, 0, after), (1, *self.dilation))

    def touching(self, extents: Extents) -> tuple[Windows, tuple[slice, ...], tuple[slice, ...]] | None:
        """The windows that hold an input at all, as windows over a part of the inputs; None if there are none.

        Returns their geometry, the inputs they slide over and their places: all others see only padding.
        """
        places = self.places(extents)
        before, after, inputs, touched = [], [], [], []
        for i, (n, stride, span) in enumerate(zip(extents, self.stride, self.span, strict=True)):
            first = max(0, -((span - 1 - self.padding[i]) // stride))
            last = min(places[i] - 1, (n - 1 + self.padding[i]) // stride)
            if last < first:
                return None
            begin, end = first * stride - self.padding[i], last * stride - self.padding[i] + span
            before.append(max(0, -begin))
            after.append(max(0, end - n))
            inputs.append(slice(max(0, begin), min(n, end)))
            touched.append(slice(first, last + 1))
        near = Windows(self.kernel, self.stride, (*before, *after), self.dilation)
        return near, tuple(inputs), tuple(touched)


def check_windows(op: Op, windows: Windows) -> None:
    """Refuse settings that contradict each other."""
    axes = len(windows.kernel)
    if axes not in (1, 2):
        raise fail(op, f"must have 1 or 2 spatial axes, not {axes}")
    for name in ("stride", "dilation"):
        given = getattr(windows, name)
        if len(given) != axes or min(given) < 1:
            raise fail(op, f"{name} must be {axes} positive integers, not {list(given)}")
    if min(windows.kernel) < 1:
        raise fail(op, f"the kernel must be positive, not {list(windows.kernel)}")
    if len(windows.padding) != 2 * axes:
        raise fail(
            op,
            f"padding must be {2 * axes} integers, before and after each axis, not {list(windows.padding)}",
        )


def windows_result(op: Op, windows: Windows, channels: int, given: TensorType) -> Shape:
    """Shape `(channels, *places)` of the result; raises `InputError` for an input that does not fit."""
    axes = len(windows.kernel)
    if len(given.shape) != axes + 1:
        raise fail(op, f"takes (channel{', axis' * axes}), but gets shape {given.shape}")
    places = windows.places(given.shape[1:])
    if min(places) < 1:
        raise fail(
            op, f"its window {windows.span} is larger than the input {given.shape[1:]} with its padding"
        )
    return (channels, *places)


def convolution_shape(
    op: Op, windows: Windows, weight_shape: tuple[int, ...], groups: int, given: TensorType
) -> Shape:
    """Result shape of a convolution with `weight_shape` `(out, in / groups, *kernel)`."""
    out, inputs = weight_shape[0], weight_shape[1] * groups
    if given.shape[0] != inputs:
        raise fail(
            op, f"weight {weight_shape} in {groups} groups takes {inputs} channels, not {given.shape[0]}"
        )
    return windows_result(op, windows, out, given)


def check_groups(op: Op, out: int, groups: int) -> None:
    """Refuse groups that do not divide the output channels."""
    if groups < 1 or out % groups:
        raise fail(op, f"{out} output channels cannot be split into {groups} groups")
