"""Packets between cores in a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from neurodeploy.mapping.activity import Activity, Rates
from neurodeploy.mapping.group_load import Grid
from neurodeploy.resources import Part, Resources, split
from neurodeploy.resources.fan import Window
from neurodeploy.resources.parts import even

Cores = npt.NDArray[np.int32]
Sums = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """Packets a step between `cores` cores: `packets[i]`, more than 0, go from core `origin[i]` to `target[i]`. Each
    pair is there once, by origin, then by target.
    """

    cores: int
    origin: Cores
    target: Cores
    packets: Sums

    @classmethod
    def of(cls, cores: int, origin: Cores, target: Cores, packets: Sums) -> Flow:
        """Pairs in any order, those of the same cores joined, those of no packets left out."""
        pair = origin.astype(np.int64) * cores + target
        order = np.argsort(pair, kind="stable")
        every, first = np.unique(pair[order], return_index=True)
        sums = np.add.reduceat(packets[order], first) if len(first) else np.zeros(0)
        some = sums > 0
        at, to = np.divmod(every[some], cores)
        return cls(cores, at.astype(np.int32), to.astype(np.int32), sums[some])

    def both_ways(self) -> Flow:
        """Packets from one core to another and back together, so that both orders are there; none within a core."""
        apart = self.origin != self.target
        origin, target, packets = self.origin[apart], self.target[apart], self.packets[apart]
        return Flow.of(
            self.cores,
            np.concatenate([origin, target]),
            np.concatenate([target, origin]),
            np.concatenate([packets, packets]),
        )

    def rows(self, begin: int, end: int) -> slice:
        """Where the pairs with an origin in `begin..end` are."""
        first, last = np.searchsorted(self.origin, [begin, end])
        return slice(int(first), int(last))

    def among(self, begin: int, end: int) -> Sums:
        """The pairs among the cores `begin..end` as a matrix `(from, to)`."""
        found, mine = np.zeros((end - begin, end - begin)), self.rows(begin, end)
        inside = (self.target[mine] >= begin) & (self.target[mine] < end)
        at, to = self.origin[mine][inside] - begin, self.target[mine][inside] - begin
        found[at, to] = self.packets[mine][inside]
        return found


def packets_between(
    resources: Resources, activity: Activity, cores: Sequence[Sequence[Part]], grids: Mapping[str, Grid]
) -> Flow:
    """Expected packets a step from core to core: a spike goes once to each part that it reaches.

    `grids` cut the layers into the parts that `cores` hold.
    """
    core_of = {part: core for core, held in enumerate(cores) for part in held}
    parts = {n: split(n, layer.shape, grids[n]) for n, layer in resources.network.neurons.items()}
    places = {
        name: np.array([core_of[part] for part in every], np.int32).reshape(grids[name])
        for name, every in parts.items()
    }
    origins, targets, packets = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)], [np.zeros(0)]
    for name, layer in resources.network.neurons.items():
        for group in (one for one in layer.groups if one.source in places):
            rates, grid = activity.spikes[group.source], grids[group.source]
            for core, part in zip(places[name].ravel().tolist(), parts[name], strict=True):
                window, mask = resources.reached(group, part)
                arriving = rates[(slice(None), *window)] * mask
                pieces, sums = _by_piece(arriving, (slice(None), *window), rates.shape, grid)
                origins.append(places[group.source][pieces].ravel()[sums > 0])
                packets.append(sums[sums > 0])
                targets.append(np.full(len(packets[-1]), core, np.int32))
    return Flow.of(len(cores), np.concatenate(origins), np.concatenate(targets), np.concatenate(packets))


def _by_piece(values: Rates, window: Window, shape: tuple[int, ...], grid: Grid) -> tuple[Window, Sums]:
    """The pieces of a grid that a window has part of, and the sum over `values` of the window in each of them."""
    pieces = []
    for axis, (places, extent, count) in enumerate(zip(window, shape, grid, strict=True)):
        start, stop, _ = places.indices(extent)
        if start == stop:
            return (slice(0),) * len(grid), np.zeros(0)
        ends = even(extent, count)
        hit = [i for i, (begin, end) in enumerate(ends) if begin < stop and end > start]
        values = np.add.reduceat(values, [max(ends[i][0] - start, 0) for i in hit], axis=axis)
        pieces.append(slice(hit[0], hit[-1] + 1))
    return tuple(pieces), values.ravel()
