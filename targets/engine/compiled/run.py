"""Runs of the compiled engine: cut into batches and windows of time, on as many threads as there are processors."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from math import prod
from threading import Lock
from typing import Any

import numpy as np

from neurodeploy.backend import IntArray, LayerTrace, Progress
from neurodeploy.ir import IntSynapses
from neurodeploy.network import Network, Stimulus
from neurodeploy.targets.engine.compiled.plan import Plan, make_plan
from neurodeploy.targets.engine.compiled.program import Program

WORKING_SET = 1 << 22
"""Bytes that the results of all layers should take in one window: about what a second or third cache holds."""
BATCH_LEAST = 8
"""Batches of fewer samples share weights badly: windows of time are shortened first."""
STEPS_ENOUGH = 32
"""Windows of more steps gain nothing; batches of more samples do."""
WORTH_A_THREAD = 1 << 29
"""Products of weights for which a thread is started: about a millisecond, twice what starting it costs."""
PRODUCTS_OF_A_NEURON = 512
"""The update of a neuron takes as long as so many products."""
PLANS = 4
"""Networks that are kept ready."""


@dataclass
class Outcome:
    """Result of a run: the output `(T, N, *shape)`, traces by layer, overflows by layer; all filled batch by batch."""

    output: IntArray
    traces: dict[str, LayerTrace]
    overflows: dict[str, int]


@dataclass
class _Ready:
    """A plan, and programs of it that no thread uses now, all of one size."""

    network: Network
    plan: Plan
    size: tuple[Any, ...] = ()
    idle: list[Program] = field(default_factory=list)


_ready: list[_Ready] = []
_lock = Lock()


def run(
    network: Network, stimulus: Stimulus, traced: frozenset[str], progress: Progress, threads: int
) -> Outcome:
    """Run all samples from the reset state; see `neurodeploy.backend.Backend.run`."""
    ready = _prepared(network, stimulus.steps)
    outcome = _empty(ready.plan, stimulus, traced)
    threads = max(1, min(threads, _work(ready.plan, stimulus) // WORTH_A_THREAD))
    samples, window = _extents(ready.plan, stimulus, threads)
    parts = [
        slice(first, min(first + samples, stimulus.samples)) for first in range(0, stimulus.samples, samples)
    ]
    size = (samples, window, traced, stimulus.static)

    def one(part: slice) -> tuple[slice, dict[str, int]]:
        program = _take(ready, size)
        found = _batch(program, stimulus.select(part), part, outcome)
        _give(ready, size, program)
        return part, found

    done = 0
    for part, overflows in _each(one, parts, threads):
        for name, count in overflows.items():
            outcome.overflows[name] += count
        done += part.stop - part.start
        progress(done, stimulus.samples)
    return outcome


def number_type(network: Network, steps: int) -> np.dtype[Any]:
    """In which numbers this network computes: which kernel it needs."""
    return _prepared(network, steps).plan.number


def _each(one: Any, parts: list[slice], threads: int) -> Iterable[tuple[slice, dict[str, int]]]:
    """Of every part what it yields, as soon as it is there."""
    if threads == 1 or len(parts) == 1:
        yield from map(one, parts)
        return
    with ThreadPoolExecutor(min(threads, len(parts))) as pool:
        for future in as_completed([pool.submit(one, part) for part in parts]):
            yield future.result()


def _batch(program: Program, stimulus: Stimulus, part: slice, outcome: Outcome) -> dict[str, int]:
    """Run one batch and write what it yields into the outcome; returns its overflows."""
    plan, signals = program.plan, program.plan.signals
    program.reset(stimulus.samples)
    output = plan.graph.output
    for first in range(0, stimulus.steps, program.window):
        steps = min(program.window, stimulus.steps - first)
        now = slice(first, first + steps)
        if first == 0 or not stimulus.static:
            x = stimulus.x[np.newaxis] if stimulus.static else stimulus.x[now]
            signals[plan.input].read(x, program.signal(plan.input, steps))
        program.advance(steps)
        signals[output].write(program.signal(output, steps), outcome.output[now, part])
        for name, trace in outcome.traces.items():
            signal = signals[name]
            signal.write(program.membrane(name, steps), trace.membrane[now, part])
            if plan.graph.types[name].signal == "spike":
                signal.write(program.signal(name, steps), trace.spikes[now, part])
    return program.overflows()


def _empty(plan: Plan, stimulus: Stimulus, traced: frozenset[str]) -> Outcome:
    def zeros(name: str) -> IntArray:
        return np.zeros((stimulus.steps, stimulus.samples, *plan.graph.types[name].shape), np.int64)

    traces = {name: LayerTrace(zeros(name), zeros(name)) for name in plan.neurons if name in traced}
    return Outcome(zeros(plan.graph.output), traces, dict.fromkeys(plan.neurons, 0))


def _extents(plan: Plan, stimulus: Stimulus, threads: int) -> tuple[int, int]:
    """Samples of a batch and steps of a window: within the working set, and a batch for every thread."""
    a_step = sum(signal.size * signal.dtype.itemsize for signal in plan.signals.values())
    share = -(-stimulus.samples // threads)
    samples = max(
        1, min(share, max(BATCH_LEAST, WORKING_SET // (a_step * min(stimulus.steps, STEPS_ENOUGH))))
    )
    return samples, max(1, min(stimulus.steps, WORKING_SET // (a_step * samples)))


def _work(plan: Plan, stimulus: Stimulus) -> int:
    """How much there is to compute, in products of weights; those with zeros count."""
    graph, total = plan.graph, 0
    for name in graph.names:
        op, outputs = graph.op(name), prod(graph.types[name].shape)
        steps = 1 if stimulus.static and name in plan.unchanging else stimulus.steps
        if isinstance(op, IntSynapses):
            total += op.weight_q.size // len(op.weight_q) * outputs * steps
        elif name in plan.neurons:
            total += PRODUCTS_OF_A_NEURON * outputs * steps
    return total * stimulus.samples


def _prepared(network: Network, steps: int) -> _Ready:
    """The plan, made once while a network is among those used last."""
    with _lock:
        for ready in _ready:
            same = ready.network.graph is network.graph and ready.network.registers == network.registers
            if same and ready.plan.steps == steps:
                return ready
        ready = _Ready(network, make_plan(network, steps))
        _ready.insert(0, ready)
        del _ready[PLANS:]
        return ready


def _take(ready: _Ready, size: tuple[Any, ...]) -> Program:
    with _lock:
        if ready.size == size and ready.idle:
            return ready.idle.pop()
    return Program(ready.plan, *size)


def _give(ready: _Ready, size: tuple[Any, ...], program: Program) -> None:
    with _lock:
        if ready.size != size:
            ready.size, ready.idle = size, []
        ready.idle.append(program)
