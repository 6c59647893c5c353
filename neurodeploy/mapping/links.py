"""Packets on the links between neighbouring tiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from neurodeploy.mapping.flow import Flow, Sums
from neurodeploy.mapping.place import Tiles

Tile = tuple[int, int]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Link:
    """Expected packets a step from tile to tile: neighbours, or any two where the cores are on no mesh."""

    source: Tile
    target: Tile
    packets: float


def mesh_links(flow: Flow, tiles: Tiles) -> tuple[Link, ...]:
    """What each link of the mesh carries where packets go along their row first, then along the column of their
    target (dimension-order routing: the order is assumed); `tiles` column and row of each core `(cores, 2)`.
    """
    from_, to = tiles[flow.origin], tiles[flow.target]
    rows = _along(from_[:, 1], from_[:, 0], to[:, 0], flow.packets)
    columns = _along(to[:, 0], from_[:, 1], to[:, 1], flow.packets)
    across = [Link((a, row), (b, row), packets) for row, a, b, packets in rows]
    along = [Link((column, a), (column, b), packets) for column, a, b, packets in columns]
    return tuple(sorted(across + along, key=lambda link: (link.source, link.target)))


def direct_links(flow: Flow, tiles: Tiles) -> tuple[Link, ...]:
    """What goes from tile to tile."""
    at, to = ([(x, y) for x, y in tiles[cores].tolist()] for cores in (flow.origin, flow.target))
    every = zip(at, to, flow.packets.tolist(), strict=True)
    return tuple(Link(a, b, packets) for a, b, packets in every if a != b)


def _along(line: Tiles, begin: Tiles, end: Tiles, packets: Sums) -> list[tuple[int, int, int, float]]:
    """(line, place, next place, packets) of packets that go from `begin` to `end` on their line."""
    found = []
    for step in (1, -1):
        ahead = (end - begin) * step > 0
        first, last = np.minimum(begin, end)[ahead], np.maximum(begin, end)[ahead]
        shape = (int(line.max(initial=0)) + 1, int(last.max(initial=0)) + 1)
        start, stop = (np.ravel_multi_index((line[ahead], place), shape) for place in (first, last))
        loads = _passing(start, stop, packets[ahead], shape)
        passing = _passing(start, stop, np.ones(len(start)), shape)
        for row, place in np.argwhere(passing > 0).tolist():
            here, there = (place, place + 1) if step > 0 else (place + 1, place)
            found.append((row, here, there, float(loads[row, place])))
    return found


def _passing(start: Counts, stop: Counts, packets: Sums, shape: tuple[int, int]) -> Sums:
    """Sum of `packets` on the way from each place to the next, of ways from `start` to `stop`."""
    size = shape[0] * shape[1]
    changes = np.bincount(start, packets, size) - np.bincount(stop, packets, size)
    return changes.reshape(shape).cumsum(axis=1)
