"""Running samples and estimating what they cost."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np

from neurodeploy.backend import get_backend
from neurodeploy.chip import Chip
from neurodeploy.cost.estimate import Estimate, estimate
from neurodeploy.cost.learning import Updates, updates_by_core
from neurodeploy.cost.placement import Placement, in_order
from neurodeploy.cost.traffic import EVENTS, Traffic, traffic
from neurodeploy.network import Network, Stimulus
from neurodeploy.resources import layers

BATCH = 16
"""Samples that are counted at a time."""
NOTHING_LEARNED: Updates = MappingProxyType({})


def measured_cost(
    network: Network,
    chip: Chip,
    stimulus: Stimulus,
    *,
    placement: Placement | None = None,
    weight_updates: Updates = NOTHING_LEARNED,
) -> tuple[Traffic, Estimate]:
    """Run `stimulus` in the engine, count what it makes the chip do, and estimate energy and time a sample.

    `placement` is by default that of the fit: every layer in as few cores as hold it, in order. `weight_updates` are
    those of learning, a sample, by the name of the synapse group that learns (`neurodeploy.cost.weight_updates` takes
    them from the record of a learning run); by default the network only infers.

    Raises `FitError` where a layer fits no core, `UnsupportedError` for a chip without a mesh of cores, `UsageError`
    for weight updates of a group that the network does not have.
    """
    described = layers(network.graph)
    placed = in_order(described, chip) if placement is None else placement
    updates = updates_by_core(weight_updates, described, placed)
    engine = get_backend("engine")
    found: Traffic | None = None
    for start in range(0, stimulus.samples, BATCH):
        part = stimulus.select(slice(start, start + BATCH))
        one = traffic(network, chip, placed, part, engine.run(network, part, trace=True))
        found = one if found is None else _joined(found, one)
    if found is None:
        raise ValueError("a stimulus holds at least one sample")
    found = replace(found, weight_updates=updates)
    return found, estimate(found, chip)


def _joined(a: Traffic, b: Traffic) -> Traffic:
    """The samples of both."""
    events = {event: np.concatenate([a.events[event], b.events[event]], axis=1) for event in EVENTS}
    x, y, over = (
        np.concatenate(pair)
        for pair in ((a.hops_x, b.hops_x), (a.hops_y, b.hops_y), (a.crossings, b.crossings))
    )
    return replace(a, events=events, hops_x=x, hops_y=y, crossings=over)
