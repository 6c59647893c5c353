"""How a run is cut into batches and windows of time, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Iterator

from neurodeploy.network import Network, Stimulus
from neurodeploy.targets.engine.machine import Batch, Machine

CHUNK_ELEMENTS = 1 << 22
"""Largest number of (step, sample, neuron) elements that one layer may hold at a time."""
BATCH_LEAST = 32
"""Batches of fewer samples run slowly: windows of time are shortened first."""


def batches(network: Network, machine: Machine, stimulus: Stimulus) -> Iterator[tuple[slice, Batch]]:
    """Run all samples, a slice of them at a time."""
    widest = max(network.graph.types[name].size for name in network.graph.names)
    size = max(BATCH_LEAST, CHUNK_ELEMENTS // (widest * stimulus.steps))
    window = max(1, CHUNK_ELEMENTS // (widest * min(size, stimulus.samples)))
    for start in range(0, stimulus.samples, size):
        part = slice(start, min(start + size, stimulus.samples))
        yield part, machine.run(stimulus.select(part), window)
