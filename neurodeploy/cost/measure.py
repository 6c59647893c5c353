"""Running samples and estimating what they cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurodeploy.backend import get_backend
from neurodeploy.chip import Chip
from neurodeploy.cost.estimate import Estimate, estimate
from neurodeploy.cost.placement import Placement, in_order
from neurodeploy.cost.traffic import EVENTS, Traffic, traffic
from neurodeploy.network import Network, Stimulus
from neurodeploy.resources import layers

BATCH = 16
"""Samples that are counted at a time."""


def measured_cost(
    network: Network,
    chip: Chip,
    stimulus: Stimulus,
    *,
    placement: Placement | None = None,
    weight_updates: float = 0.0,
) -> tuple[Traffic, Estimate]:
    """Run `stimulus` in the engine, count what it makes the chip do, and estimate energy and time a sample.

    `placement` is by default that of the fit: every layer in as few cores as hold it, in order. Raises `FitError`
    where a layer fits no core, `UnsupportedError` for a chip without a mesh of cores.
    """
    placed = in_order(layers(network.graph), chip) if placement is None else placement
    engine = get_backend("engine")
    found: Traffic | None = None
    for start in range(0, stimulus.samples, BATCH):
        part = stimulus.select(slice(start, start + BATCH))
        one = traffic(network, chip, placed, part, engine.run(network, part, trace=True))
        found = one if found is None else _joined(found, one)
    if found is None:
        raise ValueError("a stimulus holds at least one sample")
    return found, estimate(found, chip, weight_updates=weight_updates)


def _joined(a: Traffic, b: Traffic) -> Traffic:
    """The samples of both."""
    events = {event: np.concatenate([a.events[event], b.events[event]], axis=1) for event in EVENTS}
    hops = [np.concatenate(pair) for pair in ((a.hops_x, b.hops_x), (a.hops_y, b.hops_y))]
    return replace(a, events=events, hops_x=hops[0], hops_y=hops[1])
