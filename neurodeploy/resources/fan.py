"""How many synapses each neuron has into a box of another layer."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from neurodeploy.ir.windows import Windows
from neurodeploy.resources.layers import Group
from neurodeploy.resources.parts import Box

Counts = npt.NDArray[np.int64]
Window = tuple[slice, ...]


def fan_out(group: Group, box: Box) -> Counts:
    """Synapses with a weight other than 0 from every source neuron into `box`: int64 of the source's shape."""
    found = np.zeros(group.source_shape, np.int64)
    window, seen = fan_out_seen(group, box)
    found[(slice(None), *window)] = seen
    return found


def fan_out_seen(group: Group, box: Box) -> tuple[Window, Counts]:
    """The places that `box` sees, and the same counts at them alone: int64 `(channels, *places)`."""
    window = places_seen(group, box)
    if group.windows is None:
        ((begin, end),) = box
        return window, np.count_nonzero(group.present[begin:end], axis=0).reshape(group.source_shape)
    found = kernel_fan(group, *box[0]).astype(np.float64)  # exact: far below 2^53
    for axis, (band, places) in enumerate(zip(box[1:], window, strict=True)):
        seen = hits(group.windows, axis, group.source_shape[1 + axis], *band)
        found = np.tensordot(found, seen[:, places], (1, 0))
    return window, np.rint(found).astype(np.int64)


@lru_cache(maxsize=1 << 8)
def hits(windows: Windows, axis: int, extent: int, begin: int, end: int) -> npt.NDArray[np.float64]:
    """1 where outputs `begin..end` see an input place at an offset of the kernel: `(kernel, extent)`, not to be
    written to.
    """
    found = np.zeros((windows.kernel[axis], extent))
    for k, places in enumerate(_reached_places(windows, axis, extent, begin, end)):
        found[k, places] = 1
    found.setflags(write=False)
    return found


def places_seen(group: Group, box: Box) -> Window:
    """From the first to the last input place along each axis that `box` sees; all of a fully connected group's."""
    if group.windows is None:
        return (slice(None),) * (len(group.source_shape) - 1)
    every = (
        hits(group.windows, axis, group.source_shape[1 + axis], *band) for axis, band in enumerate(box[1:])
    )
    ends = (np.flatnonzero(seen.any(axis=0)) for seen in every)
    return tuple(slice(int(at[0]), int(at[-1]) + 1) if len(at) else slice(0) for at in ends)


def kernel_fan(group: Group, begin: int, end: int) -> Counts:
    """Weights other than 0 into output channels `begin..end`: int64 `(in, *kernel)`."""
    out, inputs = group.present.shape[:2]
    found = np.zeros((inputs * group.groups, *group.present.shape[2:]), np.int64)
    per_group = out // group.groups
    for g in range(begin // per_group, -(-end // per_group)):
        first, last = max(begin, g * per_group), min(end, (g + 1) * per_group)
        found[g * inputs : (g + 1) * inputs] += np.count_nonzero(group.present[first:last], axis=0)
    return found


def _reached_places(
    windows: Windows, axis: int, extent: int, begin: int, end: int
) -> list[npt.NDArray[np.int64]]:
    """Of every kernel offset along one axis, the input places that outputs `begin..end` see there."""
    first = np.arange(begin, end) * windows.stride[axis] - windows.padding[axis]
    places = [first + k * windows.dilation[axis] for k in range(windows.kernel[axis])]
    return [place[(place >= 0) & (place < extent)] for place in places]


def windows_seen(group: Group, box: Box) -> list[tuple[Counts, Counts]]:
    """Distinct windows that input places have on `box` of a convolution, by axis: the number of offsets in each, and
    how many input places see it; places that see none are left out.

    A window of the whole is a combination of one of each axis. Two places with the same offsets reach outputs at the
    same distances, so that they can share a list of weights.
    """
    if group.windows is None:
        raise TypeError("only a convolution has windows")
    return [
        _classes(group.windows, axis, group.source_shape[1 + axis], *band)
        for axis, band in enumerate(box[1:])
    ]


@lru_cache(maxsize=1 << 14)
def _classes(windows: Windows, axis: int, extent: int, begin: int, end: int) -> tuple[Counts, Counts]:
    seen = hits(windows, axis, extent, begin, end)
    offsets, places = np.unique(seen[:, seen.any(axis=0)], axis=1, return_counts=True)
    return offsets.sum(axis=0).astype(np.int64), places.astype(np.int64)
