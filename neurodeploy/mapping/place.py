"""Where on the mesh a core is: short ways for many packets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from neurodeploy.mapping.flow import Flow

Slots = npt.NDArray[np.int64]
SWEEPS = 5
"""How often all cores look for a better place."""


def shorten(flow: Flow, distance: Flow, chip: Slots) -> Slots:
    """The slot of every core, begun as slot i for core i: cores of one chip change places as long as the sum over
    pairs of `flow * distance` falls.

    `flow` packets `(cores, cores)`, rows of zeros for empty slots; `distance` `(slots, slots)`, symmetric; `chip` of
    each slot. Local search on pairs for the quadratic assignment problem: exchanging i and j changes the sum by
    A_ij - A_ii + A_ji - A_jj + 2 F_ij D_ij with A = F D (Burkard and Rendl 1984).
    """
    slots = np.arange(len(flow))
    both = flow + flow.T
    np.fill_diagonal(both, 0)
    ways = distance.astype(np.float64)
    stay = (both * ways).sum(axis=1)
    for _ in range(SWEEPS):
        if not sum(_move(core, both, ways, stay, chip, slots) for core in range(len(flow))):
            break
    return slots


def _move(core: int, flow: Flow, ways: Flow, stay: Flow, chip: Slots, slots: Slots) -> bool:
    """Exchange `core` with the one that shortens the ways most; ways and stay follow."""
    change = flow[core] @ ways - stay[core] + flow @ ways[core] - stay + 2 * flow[core] * ways[core]
    change[chip != chip[core]] = np.inf
    other = int(change.argmin())
    if change[other] >= -1e-9 * max(stay[core], 1e-300) or other == core:
        return False
    pair, swapped = [core, other], [other, core]
    slots[pair] = slots[swapped]
    ways[pair] = ways[swapped]
    ways[:, pair] = ways[:, swapped]
    stay[:] = (flow * ways).sum(axis=1)
    return True
