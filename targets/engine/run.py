"""Layer-by-layer execution over (time, batch): the currents of all steps first, then the neurons step by step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import IntArray, LayerTrace
from neurodeploy.errors import UnsupportedError
from neurodeploy.ir import Flatten, Graph, IntDense, IntInput, IntLIF, Op, Output
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import Registers, State, step
from neurodeploy.targets.engine.synapses import currents

CHUNK_ELEMENTS = 1 << 22
"""Largest number of (step, sample, neuron) elements that a chunk of samples may hold in one layer."""


@dataclass(frozen=True, slots=True)
class Signal:
    """Values of one layer over a run: `values` `(T, N, ...)`, or `(1, N, ...)` when the same in every step.

    `bound` is the largest magnitude that can occur.
    """

    values: npt.NDArray[Any]
    bound: int


@dataclass(slots=True)
class Chunk:
    """What one chunk of samples yields."""

    signals: dict[str, Signal] = field(default_factory=dict)
    traces: dict[str, LayerTrace] = field(default_factory=dict)
    overflows: dict[str, int] = field(default_factory=dict)


def chunks(network: Network, stimulus: Stimulus) -> Iterator[slice]:
    """Slices of samples small enough that memory stays bounded."""
    widest = max(network.graph.types[name].size for name in network.graph.names)
    size = max(1, CHUNK_ELEMENTS // (widest * stimulus.steps))
    for start in range(0, stimulus.samples, size):
        yield slice(start, min(start + size, stimulus.samples))


def execute(graph: Graph, registers: Registers, stimulus: Stimulus, keep: frozenset[str]) -> Chunk:
    """Run a whole chunk; neuron layers named in `keep` leave their trace."""
    chunk = Chunk()
    for name in graph.names:
        op = graph.op(name)
        inputs = [chunk.signals[source] for source in graph.sources(name)]
        if isinstance(op, IntInput):
            values = stimulus.x[np.newaxis] if stimulus.static else stimulus.x
            chunk.signals[name] = Signal(values, max(-op.low, op.high))
        elif isinstance(op, IntLIF):
            chunk.signals[name] = _neurons(name, op, registers, inputs, stimulus.steps, chunk, name in keep)
        else:
            chunk.signals[name] = _stateless(name, op, inputs)
    return chunk


def _stateless(name: str, op: Op, inputs: list[Signal]) -> Signal:
    values, bound = inputs[0].values, inputs[0].bound
    if isinstance(op, IntDense):
        return Signal(currents(op, values, bound), 0)
    if isinstance(op, Flatten):
        return Signal(values.reshape(*values.shape[:2], -1), bound)
    if isinstance(op, Output):
        return inputs[0]
    raise UnsupportedError(f"layer '{name}': the engine cannot run '{op.kind}'")


def _neurons(
    name: str, op: IntLIF, registers: Registers, inputs: list[Signal], steps: int, chunk: Chunk, keep: bool
) -> Signal:
    current = _total(inputs)
    samples = current.shape[1]
    state = State.zeros((samples, *op.shape))
    spikes = np.empty((steps, samples, *op.shape), np.uint8)
    membrane = np.empty((steps, samples, *op.shape), np.int64) if keep else None
    overflows = 0
    for t in range(steps):
        done = step(op, registers, state, current[t if len(current) > 1 else 0])
        state, spikes[t] = done.state, done.spikes
        overflows += done.overflows
        if membrane is not None:
            membrane[t] = state.v
    if overflows:
        chunk.overflows[name] = overflows
    if membrane is not None:
        chunk.traces[name] = LayerTrace(spikes.astype(np.int64), membrane)
    return Signal(spikes, 1)


def _total(inputs: list[Signal]) -> IntArray:
    total: IntArray = inputs[0].values
    for signal in inputs[1:]:
        total = total + signal.values
    return total
