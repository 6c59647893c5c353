"""How often each neuron spikes and is updated: what the mapper weighs cores and packets by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import Result, get_backend
from neurodeploy.network import Network, Stimulus
from neurodeploy.resources import Layers

Rates = npt.NDArray[np.float64]
ASSUMED_RATE = 0.1
"""Spikes a neuron and step where no data are given."""
BATCH = 4
"""Samples that are traced at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Activity:
    """Means over steps and samples, float64 of each source's shape: spikes sent, and neurons updated (0 to 1).

    `origin` says where they come from.
    """

    spikes: Mapping[str, Rates]
    updates: Mapping[str, Rates]
    origin: str


def assumed_activity(network: Layers, rate: float = ASSUMED_RATE) -> Activity:
    """Every source sends `rate` spikes a step, every neuron is updated in every step."""
    spikes = {name: np.full(shape, rate) for name, shape in network.sources.items()}
    updates = {name: np.ones(layer.shape) for name, layer in network.neurons.items()}
    return Activity(spikes, updates, f"assumed: {rate:g} spikes a neuron and step")


def measured_activity(network: Network, stimulus: Stimulus) -> Activity:
    """Rates of `stimulus` in the integer engine."""
    engine = get_backend("engine")
    sums: dict[str, Rates] = {}
    updates: dict[str, Rates] = {}
    for start in range(0, stimulus.samples, BATCH):
        part = stimulus.select(slice(start, start + BATCH))
        result = engine.run(network, part, trace=True)
        _add_input(sums, network, part)
        for name in network.neurons:
            _add_layer(sums, updates, network, name, result)
    runs = stimulus.samples * stimulus.steps
    return Activity(
        {name: found / runs for name, found in sums.items()},
        {name: found / runs for name, found in updates.items()},
        f"measured: {stimulus.samples} samples of {stimulus.steps} steps",
    )


def _add_input(sums: dict[str, Rates], network: Network, part: Stimulus) -> None:
    (name,) = [n for n in network.graph.names if network.graph.op(n) is network.input]
    active = np.count_nonzero(part.x, axis=0 if part.static else (0, 1))
    found = active.astype(np.float64) * (part.steps if part.static else 1)
    sums[name] = sums.get(name, 0.0) + found.reshape(network.input.shape)


def _add_layer(
    sums: dict[str, Rates], updates: dict[str, Rates], network: Network, name: str, result: Result
) -> None:
    op, trace = network.neurons[name], result.traces[name]
    fired, moved = trace.spikes != 0, trace.membrane != 0
    before = np.zeros_like(moved)
    before[1:] = moved[:-1]
    before[0] = np.broadcast_to(op.initial_q != 0, moved.shape[1:])
    biased = np.broadcast_to(op.bias_q != 0, moved.shape)
    sums[name] = sums.get(name, 0.0) + fired.sum(axis=(0, 1)).reshape(op.shape)
    updated = (fired | moved | before | biased).sum(axis=(0, 1)).reshape(op.shape)
    updates[name] = updates.get(name, 0.0) + updated
