"""From an integer graph to wired Lava processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neurodeploy.ir import Flatten, IntDense, IntInput, IntLIF, Op, Output
from neurodeploy.learning.layer import learning_layer
from neurodeploy.semantics import ThreeFactorRule
from neurodeploy.targets.lava.boards import create
from neurodeploy.targets.lava.job import FRAMES, LABELS, Job
from neurodeploy.targets.lava.legalise import largest_input
from neurodeploy.targets.lava.results import (
    CHANGED,
    PROGRESS,
    WEIGHTS,
    membrane_file,
    overflows_file,
    spikes_file,
)
from neurodeploy.targets.lava.schedule import hops
from neurodeploy.targets.lava.window import Window


@dataclass(slots=True)
class Emission:
    """Processes made so far; `ports` holds the OutPort that carries each layer's result.

    `learns` names the layer of synapses that learns, and `taught` is its process.
    """

    folder: Path
    job: Job
    windows: dict[str, Window]
    learns: str | None
    ports: dict[str, Any] = field(default_factory=dict)
    neurons: dict[str, Any] = field(default_factory=dict)
    taught: Any = None

    def source(self, name: str) -> str:
        """The only layer that `name` takes its input from."""
        return self.job.network.graph.sources(name)[0]


@dataclass(frozen=True, slots=True)
class Emitted:
    """A wired network: any of its processes, and how many Lava time steps it needs."""

    process: Any
    time_steps: int


def emit(folder: Path, job: Job) -> Emitted:
    """Make the processes of a job and its boards, and connect them. Imports Lava."""
    graph = job.network.graph
    windows = {name: Window.at_hop(hop, job.steps, job.samples) for name, hop in hops(graph).items()}
    learns = learning_layer(job.network).synapses if job.rule else None
    emission = Emission(folder, job, windows, learns)
    for name in graph.names:
        op = graph.op(name)
        EMIT[type(op)](emission, name, op)
    for name in dict.fromkeys((*job.traced, graph.output)):
        _sink(emission, name)
    if job.rule is not None:
        _teach(emission, job.rule)
    return Emitted(emission.neurons[graph.output], windows[graph.output].last)


def _input(emission: Emission, name: str, op: IntInput) -> None:
    from neurodeploy.targets.lava.processes.streams import Source

    size = emission.job.network.graph.types[name].size
    frames, window = emission.folder / FRAMES, emission.windows[name]
    emission.ports[name] = Source(size=size, frames=frames, window=window, name=name).s_out


def _pass_on(emission: Emission, name: str, op: Op) -> None:
    # Ports carry vectors, last axis fastest, so flattening is no work and no time step.
    source = emission.source(name)
    emission.ports[name] = emission.ports[source]
    if source in emission.neurons:
        emission.neurons[name] = emission.neurons[source]


def _dense(emission: Emission, name: str, op: IntDense) -> None:
    rule = emission.job.rule
    if rule is not None and name == emission.learns:
        process = _learning_dense(emission, name, op, rule)
    else:
        process = _fixed_dense(emission, name, op)
    emission.ports[emission.source(name)].connect(process.s_in)
    emission.ports[name] = process.a_out


def _fixed_dense(emission: Emission, name: str, op: IntDense) -> Any:
    from lava.proc.dense.process import Dense
    from lava.utils.weightutils import SignMode

    # Lava drops the lowest bit of 8-bit weights of mixed sign: twice the weight, half the result is exact.
    # Its own choice of the sign mode would clip -256 in a matrix without positive weights.
    graded = emission.job.network.graph.types[emission.source(name)].signal != "spike"
    largest = largest_input(emission.job.network, emission.source(name))
    return Dense(
        weights=2 * op.weight_q.astype(np.int32),
        weight_exp=op.exponent - 1,
        sign_mode=SignMode.MIXED,
        num_message_bits=largest.bit_length() if graded else 0,
        name=name,
    )


def _learning_dense(emission: Emission, name: str, op: IntDense, rule: ThreeFactorRule) -> Any:
    from neurodeploy.targets.lava.processes.learning import ThreeFactorDense

    job, folder = emission.job, emission.folder
    rows = (len(job.snapshot_at) + 1, *op.weight_q.shape)
    emission.taught = ThreeFactorDense(
        op=op,
        rule=rule,
        window=emission.windows[name],
        weights=create(folder / WEIGHTS, rows, np.int8),
        changed=create(folder / CHANGED, (1,), np.int64),
        snapshot_at=job.snapshot_at,
        name=name,
    )
    return emission.taught


def _lif(emission: Emission, name: str, op: IntLIF) -> None:
    from neurodeploy.targets.lava.processes.neurons import LIF

    overflows = create(emission.folder / overflows_file(name), (1,), np.int64)
    registers, window = emission.job.network.registers, emission.windows[name]
    process = LIF(op=op, registers=registers, window=window, overflows=overflows, name=name)
    for source in emission.job.network.graph.sources(name):
        emission.ports[source].connect(process.a_in)
    emission.neurons[name], emission.ports[name] = process, process.s_out


def _sink(emission: Emission, name: str) -> None:
    from neurodeploy.targets.lava.processes.streams import Sink

    folder, window, network = emission.folder, emission.windows[name], emission.job.network
    size = network.graph.types[name].size
    rows = (window.length, size)
    is_output = name == network.graph.output
    with_membrane = name in emission.job.traced or network.is_readout
    sink = Sink(
        size=size,
        window=window,
        spikes=create(folder / spikes_file(name), rows, np.int8),
        membrane=create(folder / membrane_file(name), rows, np.int32) if with_membrane else None,
        progress=create(folder / PROGRESS, (1,), np.int64) if is_output else None,
        name=f"{name}.sink",
    )
    emission.neurons[name].s_out.connect(sink.s_in)
    if with_membrane:
        emission.neurons[name].v_out.connect(sink.v_in)


def _teach(emission: Emission, rule: ThreeFactorRule) -> None:
    from neurodeploy.targets.lava.processes.learning import Error

    name = emission.job.network.graph.output
    neurons, op = emission.neurons[name], emission.job.network.neurons[name]
    labels, window = emission.folder / LABELS, emission.windows[name]
    error = Error(op=op, rule=rule, labels=labels, window=window, name=f"{name}.error")
    neurons.s_out.connect(error.s_in)
    neurons.p_out.connect(error.p_in)
    error.e_out.connect(emission.taught.e_in)


EMIT: dict[type[Op], Callable[[Emission, str, Any], None]] = {
    IntInput: _input,
    Flatten: _pass_on,
    IntDense: _dense,
    IntLIF: _lif,
    Output: _pass_on,
}
"""What makes the process of each kind of layer."""
