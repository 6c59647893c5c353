"""Boxes of a layer's neurons: what one core holds of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product
from math import prod
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from neurodeploy.ir import Shape

ScalarT = TypeVar("ScalarT", np.int64, np.float64)
Box = tuple[tuple[int, int], ...]
"""Begin and end along every axis of a layer's shape."""


@dataclass(frozen=True, slots=True)
class Part:
    """The neurons of `layer` in `box`."""

    layer: str
    box: Box

    @property
    def neurons(self) -> int:
        """How many."""
        return prod(end - begin for begin, end in self.box)

    @property
    def slices(self) -> tuple[slice, ...]:
        """The same as an index into an array of the layer's shape."""
        return tuple(slice(begin, end) for begin, end in self.box)


def whole(shape: Shape) -> Box:
    """The box of all neurons."""
    return tuple((0, extent) for extent in shape)


def split(layer: str, shape: Shape, counts: tuple[int, ...]) -> tuple[Part, ...]:
    """A layer cut `counts` times along its axes into parts that differ by one place at most; first axis slowest."""
    axes = [even(extent, count) for extent, count in zip(shape, counts, strict=True)]
    return tuple(Part(layer, box) for box in product(*axes))


def even(extent: int, count: int) -> list[tuple[int, int]]:
    """Begin and end of `count` pieces of an axis that differ by one place at most."""
    ends = [extent * i // count for i in range(count + 1)]
    return list(pairwise(ends))


def per_part(values: npt.NDArray[ScalarT], grid: tuple[int, ...]) -> npt.NDArray[ScalarT]:
    """Sum over the neurons of every part of a grid: `shape` -> `grid`."""
    for axis, pieces in enumerate(grid):
        starts = [begin for begin, _ in even(values.shape[axis], pieces)]
        values = np.add.reduceat(values, starts, axis=axis)
    return values


def largest_piece(shape: Shape, grid: tuple[int, ...]) -> tuple[int, ...]:
    """Extents of the largest part of a grid."""
    return tuple(-(-extent // pieces) for extent, pieces in zip(shape, grid, strict=True))


def middle_of_largest(layer: str, shape: Shape, grid: tuple[int, ...]) -> Part:
    """The largest piece of every axis; of several the one nearest the middle, which sees no border."""
    box = []
    for extent, pieces in zip(shape, grid, strict=True):
        ends = even(extent, pieces)
        most = -(-extent // pieces)
        largest = [i for i, (begin, end) in enumerate(ends) if end - begin == most]
        box.append(ends[min(largest, key=lambda i: abs(i - pieces // 2))])
    return Part(layer, tuple(box))


def grids(shape: Shape, parts: int) -> Iterator[tuple[int, ...]]:
    """Every way to cut `shape` into exactly `parts` boxes by a grid; the first axis (channels) is cut first."""
    if len(shape) == 1:
        if parts <= shape[0]:
            yield (parts,)
        return
    for count in range(min(parts, shape[0]), 0, -1):
        if parts % count == 0:
            yield from ((count, *rest) for rest in grids(shape[1:], parts // count))
