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
    bound = np.isfinite(limits)
    scarce, room = needs[:, bound], limits[bound]
    shares = scarce / np.maximum(room, 1e-300)
    order = np.argsort(-shares.max(axis=1, initial=0.0), kind="stable")
    free = np.repeat(room[:, np.newaxis], len(needs), axis=1)  # by resource, of every core that may be used
    cores: list[list[int]] = []
    for part in order.tolist():
        core = _first_with_room(free[:, : len(cores)], scarce[part])
        if core == len(cores):
            cores.append([])
        cores[core].append(part)
        free[:, core] -= scarce[part]
    return sorted((sorted(core) for core in cores), key=lambda core: core[0])


def _first_with_room(free: Needs, need: Needs) -> int:
    """The first core with `need` free in every resource; one more than there are where none has."""
    has = np.ones(free.shape[1], np.bool_)
    for there, wanted in zip(free, need, strict=True):
        has &= there >= wanted
    first = int(has.argmax()) if has.size else 0
    return first if has.size and has[first] else has.size
