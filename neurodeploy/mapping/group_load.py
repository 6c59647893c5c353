"""What one group of synapses brings to every part of a layer that is cut by a grid, by sums along the axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np
import numpy.typing as npt

from neurodeploy.cost.synapses import Kind
from neurodeploy.ir import Shape
from neurodeploy.mapping.activity import Rates
from neurodeploy.resources import Group
from neurodeploy.resources.fan import hits
from neurodeploy.resources.parts import even

Grid = tuple[int, ...]
Indicator = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class GroupLoad:
    """Packets and entries of synapse lists that a step brings, for any grid.

    For a convolution with weights W into output channel o and a band of places, and rates r of the source:

        entries[o, band] = sum over channels c and offsets k of [W[o, c, k] != 0] * sum over the band of r[c, place + k]

    A source channel counts as reaching a part if any of its weights into the part's channels is not 0: equal to the
    exact count unless all weights of one channel and offset are 0 (pruning), then an upper bound of the packets.
    """

    group: Group
    kind: Kind
    rates: Rates
    _known: dict[Grid, tuple[Rates, Rates]] = field(default_factory=dict)
    _copies: dict[Grid, Rates] = field(default_factory=dict)
    _present: list[npt.NDArray[np.bool_]] = field(default_factory=list)

    def into(self, grid: Grid) -> tuple[Rates, Rates]:
        """Packets and entries a step of every part: both of the grid's shape."""
        if self.group.windows is None:
            return self._dense(grid[0])
        entries, packets = self._places(grid[1:])
        starts = _starts(self.group.target[0], grid[0])
        reaches = np.logical_or.reduceat(self._channels(), starts, axis=0).astype(np.float64)
        found = np.tensordot(reaches, packets, axes=1)
        return found, np.add.reduceat(entries, starts, axis=0)

    def copies(self, grid: Grid) -> Rates:
        """To how many parts each source neuron sends: float64 of the source's shape."""
        if grid not in self._copies:
            self._copies[grid] = self._count_copies(grid)
        return self._copies[grid]

    def _count_copies(self, grid: Grid) -> Rates:
        starts = _starts(self.group.target[0], grid[0])
        if self.group.windows is None:
            reached = np.logical_or.reduceat(self.group.present, starts, axis=0)
            dense: Rates = reached.sum(axis=0, dtype=np.float64)
            return dense.reshape(self.group.source_shape)
        reaches = np.logical_or.reduceat(self._channels(), starts, axis=0).sum(axis=0, dtype=np.float64)
        bands = [self._unions(axis, n).sum(axis=0, dtype=np.float64) for axis, n in enumerate(grid[1:])]
        found: Rates = reduce(np.multiply.outer, bands, reaches)
        return found

    def _dense(self, parts: int) -> tuple[Rates, Rates]:
        present, rates = self.group.present, self.rates.reshape(-1)
        starts = _starts(len(present), parts)
        packets = np.logical_or.reduceat(present, starts, axis=0) @ rates
        if self.kind == "dense":
            return packets, packets * np.diff([*starts, len(present)])
        return packets, np.add.reduceat(present @ rates, starts)

    def _channels(self) -> npt.NDArray[np.bool_]:
        """Which input channel has a weight into which output channel `(out, in)`."""
        if not self._present:
            group, one = self.group, np.arange(self.group.groups)
            blocks = group.present.reshape(group.groups, -1, group.present.shape[1], _kernel(group)).any(
                axis=3
            )
            found = np.zeros((group.groups, blocks.shape[1], group.groups, blocks.shape[2]), np.bool_)
            found[one, :, one, :] = blocks
            self._present.append(found.reshape(len(group.present), group.source_shape[0]))
        return self._present[0]

    def _places(self, bands: Grid) -> tuple[Rates, Rates]:
        """Entries of each output channel and packets of each input channel for every box of places."""
        if bands not in self._known:
            self._known[bands] = self._count_places(bands)
        return self._known[bands]

    def _count_places(self, bands: Grid) -> tuple[Rates, Rates]:
        group = self.group
        hits = [self._hits(axis, n) for axis, n in enumerate(bands)]
        seen = _contract(self.rates, [h.reshape(-1, h.shape[2]) for h in hits])
        axes = len(bands)
        split = seen.reshape(len(seen), *(n for h in hits for n in h.shape[:2]))
        order = (*range(1, 2 * axes, 2), 0, *range(2, 2 * axes + 1, 2))
        by_box = split.transpose(order).reshape(-1, len(seen), _kernel(group)).astype(np.float32)
        present = group.present.reshape(group.groups, len(group.present) // group.groups, -1).astype(
            np.float32
        )
        arriving = by_box.reshape(len(by_box), group.groups, -1).transpose(1, 2, 0)
        entries = np.matmul(present, arriving).astype(np.float64)
        packets = _contract(self.rates, [self._unions(axis, n) for axis, n in enumerate(bands)])
        return entries.reshape(len(group.present), *bands), packets

    def _hits(self, axis: int, bands: int) -> Indicator:
        """1 where a band sees an input place at an offset of the kernel: `(bands, kernel, extent)`."""
        windows, group = self.group.windows, self.group
        if windows is None:
            raise TypeError("only a convolution has windows")
        extent, outputs = group.source_shape[1 + axis], group.target[1 + axis]
        every = [hits(windows, axis, extent, begin, end) for begin, end in even(outputs, bands)]
        return np.stack(every).astype(np.float32)

    def _unions(self, axis: int, bands: int) -> Indicator:
        """1 where a band sees an input place at all: `(bands, extent)`."""
        found: Indicator = self._hits(axis, bands).max(axis=1)
        return found


def _starts(extent: int, parts: int) -> list[int]:
    return [begin for begin, _ in even(extent, parts)]


def _kernel(group: Group) -> int:
    return int(np.prod(group.present.shape[2:]))


def _contract(rates: Rates, matrices: Sequence[Indicator]) -> Rates:
    """Sum each axis of places with the rows of its matrix: `(C, *extents)` -> `(C, *rows)`."""
    return reduce(lambda x, m: np.tensordot(x, m.astype(np.float64), axes=(1, 1)), matrices, rates)


def distinct_counts(extent: int) -> list[int]:
    """The smallest number of pieces for every size that a largest piece can have."""
    sizes = {-(-extent // n): n for n in range(extent, 0, -1)}
    return sorted(sizes.values())


def grids_of(shape: Shape, most: int) -> list[Grid]:
    """Every grid of at most `most` parts whose cuts along each axis make the largest piece smaller."""
    found: list[Grid] = [()]
    for extent in shape:
        found = [(*g, n) for g in found for n in distinct_counts(extent) if n * int(np.prod(g)) <= most]
    return found
