"""Where on the mesh a core is: short ways for many packets."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from neurodeploy.mapping.flow import Flow, Sums

Slots = npt.NDArray[np.int64]
Tiles = npt.NDArray[np.int64]
SWEEPS = 5
"""How often all cores look for a better place."""
EQUAL = 1e-9
"""Changes that differ by less than this part of the longest ways of a core of the chip are the same: the first is
taken, whatever the order in which a machine adds."""


def shorten(flow: Flow, tiles: Tiles, hop: tuple[float, float], chip: Slots) -> Slots:
    """The slot of every core, begun as slot i for core i: cores of one chip change places as long as the sum over
    pairs of packets times distance falls.

    `tiles` column and row of each slot `(slots, 2)`, `hop` the price of one along columns and along rows, `chip` of
    each slot, never falling. Local search on pairs for the quadratic assignment problem: exchanging i and j changes
    the sum by A_ij - A_ii + A_ji - A_jj + 2 F_ij D_ij with A = F D (Burkard and Rendl 1984). As slots of one tile are
    equally far from all others, A is kept by tile, for one chip at a time.
    """
    slots, both = np.arange(flow.cores), flow.both_ways()
    weighted = tiles * np.array(hop)
    begins = [*np.flatnonzero(np.diff(chip, prepend=chip[0] - 1)).tolist(), flow.cores]
    runs = [range(begin, end) for begin, end in pairwise(begins)]
    for _ in range(SWEEPS):
        if not sum(_Chip(both, weighted, slots, run).sweep() for run in runs):
            break
    return slots


class _Chip:
    """The cores of one chip while those of all others stay; `slots` are changed in place."""

    def __init__(self, flow: Flow, tiles: Sums, slots: Slots, cores: range) -> None:
        self._slots = slots[cores.start : cores.stop]
        self._flow = flow.among(cores.start, cores.stop)
        places, at = np.unique(tiles[self._slots], axis=0, return_inverse=True)
        self._at = at.ravel()  # the tile of each core, among `places`
        self._far = np.abs(places[:, np.newaxis] - places).sum(axis=2)
        outside = _outside(flow, tiles[slots], cores, places)
        self._ways = outside + self._flow @ self._far[self._at]  # of each core, were it on each tile

    def sweep(self) -> int:
        """Let every core look once; how many have moved."""
        return sum(self._move(core) for core in range(len(self._slots)))

    def _move(self, core: int) -> bool:
        """Exchange `core` with the one that shortens the ways most."""
        here, there, every = self._at[core], self._at, np.arange(len(self._at))
        stay = self._ways[every, there]
        change = self._ways[core, there] - stay[core] + self._ways[every, here] - stay
        change += 2 * self._flow[core] * self._far[here, there]
        least = EQUAL * stay.max()
        other = int(np.flatnonzero(change <= change.min() + least)[0])
        if change[other] >= -least or other == core:
            return False
        pair, swapped = [core, other], [other, core]
        nearer = self._far[there[other]] - self._far[here]
        self._ways += np.outer(self._flow[:, core] - self._flow[:, other], nearer)
        self._at[pair], self._slots[pair] = self._at[swapped], self._slots[swapped]
        return True


def _outside(flow: Flow, tiles: Sums, cores: range, places: Sums) -> Sums:
    """Ways of each of `cores`, were it on each of `places`, to the cores of other chips `(cores, places)`."""
    mine = flow.rows(cores.start, cores.stop)
    away = (flow.target[mine] < cores.start) | (flow.target[mine] >= cores.stop)
    origin, packets = flow.origin[mine][away] - cores.start, flow.packets[mine][away]
    ends = tiles[flow.target[mine][away]]
    found = np.zeros((len(cores), len(places)))
    for axis in range(2):
        for value in np.unique(places[:, axis]):
            ways = np.bincount(origin, packets * np.abs(ends[:, axis] - value), len(cores))
            found[:, places[:, axis] == value] += ways[:, np.newaxis]
    return found
