"""Weights in the order in which the compiled synapses read them, and the geometry that goes with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.ir import IntConv, IntDense
from neurodeploy.ir.windows import Windows
from neurodeploy.semantics import bounds
from neurodeploy.targets.engine.compiled import table
from neurodeploy.targets.engine.compiled.memory import Array, address, aligned, buffer
from neurodeploy.targets.engine.compiled.signals import Signal
from neurodeploy.targets.engine.compiled.table import BLOCK_ROWS, BLOCK_WIDTH, INPUTS, LANES

END = 1 << 31
ROWS_AT_ONCE = 256
"""Places of results that a convolution computes at a time, of several images where they are small."""
SPARSE_BELOW = 25
"""Percent of groups of four inputs that are not all 0, below which dense synapses take only those."""


class Packed:
    """One group of synapses, ready: fields of its row of the table, and the arrays that they point to."""

    def __init__(self, op: IntDense | IntConv, given: Signal, largest: int) -> None:
        self.fields: dict[str, int] = {
            "exponent": op.exponent,
            "offset": given.offset,
            "out": len(op.weight_q),
        }
        self.arrays: list[Array] = []
        kernels, windows = _as_images(op)
        if given.order is not None and isinstance(op, IntDense):
            kernels = kernels[:, given.order]
        self._geometry(op, windows, given)
        kind = _kind(op, given, largest)
        self.fields["kind"] = kind
        {table.DOT: self._dot, table.CHANNELS: self._channels, table.DIRECT: self._direct}[kind](kernels)

    def _geometry(self, op: IntDense | IntConv, windows: Windows, given: Signal) -> None:
        channels, height, width = (given.size, 1, 1)
        if isinstance(op, IntConv):
            channels, *extents = given.shape
            height, width = (1, *extents)[-2:]
        rows, columns = windows.places((height, width))
        top, left, bottom, right = windows.padding
        names = ("rows", "columns", "height", "width", "channels", "top", "left", "size", "groups", "dense")
        groups = op.groups if isinstance(op, IntConv) else 1
        numbers = (rows, columns, height, width, channels, top, left, given.size, groups)
        self.fields |= dict(zip(names, (*numbers, isinstance(op, IntDense)), strict=True))
        for name, pair in (
            ("kernel", windows.kernel),
            ("stride", windows.stride),
            ("dilation", windows.dilation),
        ):
            self.fields |= {f"{name}_y": pair[0], f"{name}_x": pair[1]}
        self.fields["wide"] = given.dtype != np.uint8
        self.fields["padded_width"] = width + left + right
        self.fields["zero"] = -given.offset
        line = self.fields["padded_width"] * channels
        self.fields["padded"] = (height + top + bottom) * line if any(windows.padding) else 0
        self.fields["at_once"] = max(1, ROWS_AT_ONCE // (rows * columns))
        self.fields["sparse_below"] = SPARSE_BELOW

    def _dot(self, kernels: npt.NDArray[np.int8]) -> None:
        """Segments of inputs that lie side by side: a row of the kernel, or one place of it where it is dilated."""
        field = self.fields
        out, channels, kernel_y, kernel_x = kernels.shape
        places = kernels.transpose(0, 2, 3, 1)
        line = field["padded_width"] * channels
        down = np.arange(kernel_y) * field["dilation_y"] * line
        across = np.arange(kernel_x) * field["dilation_x"] * channels
        together = field["dilation_x"] == 1
        offsets = down if together else (down[:, np.newaxis] + across).ravel()
        segments = places.reshape(out, len(offsets), -1)
        self._point("weight", blocks(segments))
        self._point("offsets", offsets.astype(np.int64))
        start = np.zeros(out + BLOCK_WIDTH, np.int32)
        start[:out] = kernels.reshape(out, -1).sum(axis=1, dtype=np.int64) * field["offset"]
        self._point("start", start)
        field["segments"], field["quads"] = len(offsets), -(-segments.shape[2] // INPUTS)

    def _channels(self, kernels: npt.NDArray[np.int8]) -> None:
        self._point("weight", np.ascontiguousarray(kernels[:, 0].transpose(1, 2, 0)))

    def _direct(self, kernels: npt.NDArray[np.int8]) -> None:
        groups = self.fields["groups"]
        grouped = kernels.reshape(groups, -1, *kernels.shape[1:])
        self._point("weight", np.ascontiguousarray(grouped.transpose(0, 3, 4, 2, 1)))

    def _point(self, name: str, values: Array) -> None:
        self.arrays.append(aligned(values))
        self.fields[name] = address(self.arrays[-1])

    def working_space(self, images: int) -> dict[str, Array]:
        """New buffers of one thread, by field: padded images, whose border is the stored zero, and those of sums.

        `images` is the number of inputs of a window, of which the products of dense synapses take all at once.
        """
        field = self.fields
        at_once = images if field["dense"] else min(images, field["at_once"])
        return {
            "scratch": buffer(at_once * field["padded"], np.uint8, field["zero"]),
            "bases": buffer(at_once * field["rows"] * field["columns"], np.int64),
            "sums": buffer(max(BLOCK_ROWS * BLOCK_WIDTH, field["out"]), np.int64),
            "active": buffer(field.get("quads", 0), np.int64),
        }


def blocks(segments: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """`(out, segment, inputs)` -> for each 64, 32 or 16 neurons `(segment, inputs / 4, neurons, 4)`, in one line."""
    out, count, inputs = segments.shape
    quads = -(-inputs // INPUTS)
    pieces, first = [], 0
    while first < out:
        left = out - first
        width = LANES * (4 if left > 2 * LANES else 2 if left > LANES else 1)
        part = segments[first : first + width]
        block = np.zeros((width, count, quads * INPUTS), np.int8)
        block[: len(part), :, :inputs] = part
        pieces.append(block.reshape(width, count, quads, INPUTS).transpose(1, 2, 0, 3).ravel())
        first += width
    return np.concatenate(pieces)


def _kind(op: IntDense | IntConv, given: Signal, largest: int) -> int:
    """The route: bytes whose sums 32 bits hold, by products of bytes or channel by channel; all else one by one."""
    span = largest + 2 * abs(given.offset)
    if given.dtype != np.uint8 or bounds.partial_sums(op, span) >= END:
        return table.DIRECT
    if not isinstance(op, IntConv) or op.groups == 1:
        return table.DOT
    return table.CHANNELS if op.groups == len(op.weight_q) == given.shape[0] else table.DIRECT


def _as_images(op: IntDense | IntConv) -> tuple[npt.NDArray[np.int8], Windows]:
    """Kernels `(out, in, rows, columns)`: dense synapses are one place, one spatial axis is two."""
    weight: Any = op.weight_q
    if isinstance(op, IntDense):
        return weight[:, :, np.newaxis, np.newaxis], Windows((1, 1), (1, 1), (0, 0, 0, 0), (1, 1))
    flat = len(op.windows.kernel) == 1
    return weight[:, :, np.newaxis] if flat else weight, op.windows.two_axes()
