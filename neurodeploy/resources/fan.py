"""How many synapses each neuron has into a box of another layer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import numpy.typing as npt

from neurodeploy.ir.windows import Windows
from neurodeploy.resources.layers import Group
from neurodeploy.resources.parts import Box

Counts = npt.NDArray[np.int64]


def fan_out(group: Group, box: Box) -> Counts:
    """Synapses with a weight other than 0 from every source neuron into `box`: int64 of the source's shape."""
    if group.windows is None:
        ((begin, end),) = box
        dense: Counts = np.count_nonzero(group.present[begin:end], axis=0).reshape(group.source_shape)
        return dense
    found = kernel_fan(group, *box[0]).astype(np.float64)  # exact: far below 2^53
    for axis in range(len(box) - 1):
        found = np.tensordot(
            found, _hits(group.windows, axis, group.source_shape[1 + axis], *box[1 + axis]), (1, 0)
        )
    return np.rint(found).astype(np.int64)


def _hits(windows: Windows, axis: int, extent: int, begin: int, end: int) -> npt.NDArray[np.float64]:
    """1 where outputs `begin..end` see an input place at an offset of the kernel: `(kernel, extent)`."""
    found = np.zeros((windows.kernel[axis], extent))
    for k, places in enumerate(reached_places(windows, axis, extent, begin, end)):
        found[k, places] = 1
    return found


def kernel_fan(group: Group, begin: int, end: int) -> Counts:
    """Weights other than 0 into output channels `begin..end`: int64 `(in, *kernel)`."""
    out, inputs = group.present.shape[:2]
    found = np.zeros((inputs * group.groups, *group.present.shape[2:]), np.int64)
    per_group = out // group.groups
    for g in range(begin // per_group, -(-end // per_group)):
        first, last = max(begin, g * per_group), min(end, (g + 1) * per_group)
        found[g * inputs : (g + 1) * inputs] += np.count_nonzero(group.present[first:last], axis=0)
    return found


def reached_places(
    windows: Windows, axis: int, extent: int, begin: int, end: int
) -> list[npt.NDArray[np.int64]]:
    """Of every kernel offset along one axis, the input places that outputs `begin..end` see there."""
    first = np.arange(begin, end) * windows.stride[axis] - windows.padding[axis]
    places = [first + k * windows.dilation[axis] for k in range(windows.kernel[axis])]
    return [place[(place >= 0) & (place < extent)] for place in places]


def windows_seen(group: Group, box: Box) -> Iterator[tuple[tuple[int, ...], int]]:
    """Distinct windows that input places have on `box` of a convolution: offsets seen along each axis, and how many
    input places see it; places that see none are left out.

    Two places with the same offsets reach outputs at the same distances, so that they can share a list of weights.
    """
    windows = group.windows
    if windows is None:
        raise TypeError("only a convolution has windows")
    axes = [_classes(windows, i, group.source_shape[1 + i], *box[1 + i]) for i in range(len(box) - 1)]
    for combination in product(*(axis.items() for axis in axes)):
        sizes = tuple(len(offsets) for offsets, _ in combination)
        yield sizes, int(np.prod([places for _, places in combination]))


def _classes(windows: Windows, axis: int, extent: int, begin: int, end: int) -> dict[tuple[int, ...], int]:
    seen: list[list[int]] = [[] for _ in range(extent)]
    for k, places in enumerate(reached_places(windows, axis, extent, begin, end)):
        for place in places.tolist():
            seen[place].append(k)
    found: dict[tuple[int, ...], int] = {}
    for offsets in map(tuple, seen):
        if offsets:
            found[offsets] = found.get(offsets, 0) + 1
    return found
