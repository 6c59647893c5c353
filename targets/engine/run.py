"""A run on the layer-by-layer machine, cut into batches and windows of time, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from neurodeploy.backend import IntArray, LayerTrace, Progress, Result
from neurodeploy.network import Network, Stimulus
from neurodeploy.targets.engine.library import Library
from neurodeploy.targets.engine.machine import Batch, Machine
from neurodeploy.targets.engine.numpy import NUMPY

CHUNK_ELEMENTS = 1 << 22
"""Largest number of (step, sample, neuron) elements that one layer may hold at a time."""
BATCH_LEAST = 32
"""Batches of fewer samples run slowly: windows of time are shortened first."""

Found = tuple[IntArray, dict[str, LayerTrace], dict[str, int]]
"""The output `(T, N, *out)`, and traces and overflows by layer."""


def run(
    network: Network,
    stimulus: Stimulus,
    traced: frozenset[str],
    current: bool,
    progress: Progress,
    library: Library = NUMPY,
    elements: int | None = None,
) -> Found:
    """Run all samples from the reset state; see `neurodeploy.backend.Backend.run`."""
    output = network.graph.output
    machine = Machine(network, stimulus.steps, frozenset({output}), traced, current, library)
    values: list[IntArray] = []
    pieces: dict[str, list[LayerTrace]] = {name: [] for name in network.neurons if name in traced}
    overflows = dict.fromkeys(network.neurons, 0)
    for part, batch in batches(network, machine, stimulus, elements):
        values.append(batch.values(output))
        for name, found in pieces.items():
            found.append(batch.trace(name))
        for name, count in batch.overflows.items():
            overflows[name] += count
        progress(part.stop, stimulus.samples)
    return (
        np.concatenate(values, axis=1),
        {n: LayerTrace.joined(found) for n, found in pieces.items()},
        overflows,
    )


def batches(
    network: Network, machine: Machine, stimulus: Stimulus, elements: int | None = None
) -> Iterator[tuple[slice, Batch]]:
    """Run all samples, a slice of them at a time; `elements` instead of `CHUNK_ELEMENTS` where there is more memory."""
    most = elements or CHUNK_ELEMENTS
    widest = max(network.graph.types[name].size for name in network.graph.names)
    size = max(BATCH_LEAST, most // (widest * stimulus.steps))
    window = max(1, most // (widest * min(size, stimulus.samples)))
    for start in range(0, stimulus.samples, size):
        part = slice(start, min(start + size, stimulus.samples))
        yield part, machine.run(stimulus.select(part), window)


def result(
    backend: str,
    network: Network,
    output: IntArray,
    seconds: float,
    traces: Mapping[str, LayerTrace],
    overflows: Mapping[str, int],
) -> Result:
    """What a back end gives, from the spikes or potentials of the output."""
    membrane = output if network.is_readout else None
    spikes = output if membrane is None else np.zeros_like(output)
    return Result(backend, spikes, membrane, seconds, traces, overflows)
