"""Putting parts of several layers on one core."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from neurodeploy.resources.core import CoreUse

Needs = npt.NDArray[np.float64]


def fewest_shared(uses: Sequence[CoreUse]) -> int:
    """Cores that hold what these cores hold, when layers may share them."""
    needs = np.array([[use.used for use in core.uses] for core in uses], np.float64)
    limits = np.array([np.inf if use.limit is None else use.limit for use in uses[0].uses], np.float64)
    return len(share_cores(needs, limits))


def share_cores(needs: Needs, limits: Needs) -> list[list[int]]:
    """Cores as lists of parts, by first-fit decreasing: parts by their fullest resource, each on the first core with
    room for it in every resource (Johnson 1973; Garey and others 1976 for several resources).

    `needs` `(parts, resources)`, `limits` `(resources,)`, infinite where there is none. Every part must fit alone.
    """
    shares = np.where(np.isfinite(limits), needs / np.maximum(limits, 1e-300), 0.0)
    order = np.argsort(-shares.max(axis=1), kind="stable")
    least = np.minimum.accumulate(needs[order][::-1])[::-1]  # of the parts that are still to come
    used = np.zeros_like(needs)
    cores: list[list[int]] = []
    room: list[int] = []
    for i, part in enumerate(order.tolist()):
        fitting = (
            np.flatnonzero((used[room] + needs[part] <= limits).all(axis=1)) if room else np.zeros(0, int)
        )
        if len(fitting):
            core = room[fitting[0]]
        else:
            core = len(cores)
            cores.append([])
            room.append(core)
        cores[core].append(part)
        used[core] += needs[part]
        if i + 1 < len(order) and (used[core] + least[i + 1] > limits).any():
            room.remove(core)
    return sorted((sorted(core) for core in cores), key=lambda core: core[0])
