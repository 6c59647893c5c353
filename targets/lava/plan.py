"""Which Lava processes a network becomes, with which arguments, and how they are connected. Imports no Lava.

`neurodeploy.targets.lava.emit` makes the processes of a plan; `neurodeploy.targets.lava.script` writes them as code.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from neurodeploy.ir import Delay, Flatten, IntConv, IntDense, IntInput, IntLIF, IntSynapses, Op, Output, Shape
from neurodeploy.semantics import bounds
from neurodeploy.targets.lava.fixed_synapses import fixed_synapses
from neurodeploy.targets.lava.job import FRAMES, Job
from neurodeploy.targets.lava.learning_schedule import LearningSchedule, learning_schedule
from neurodeploy.targets.lava.legalise import largest_input
from neurodeploy.targets.lava.matrices import sparse_weights
from neurodeploy.targets.lava.process_graph import OURS, Plan
from neurodeploy.targets.lava.results import (
    PROGRESS,
    current_file,
    membrane_file,
    overflows_file,
    spikes_file,
)
from neurodeploy.targets.lava.schedule import Arrival, schedule, sender
from neurodeploy.targets.lava.standard import lif_arguments
from neurodeploy.targets.lava.teach import teach
from neurodeploy.targets.lava.window import Window

LIF_RESET = "lava.proc.lif.process:LIFReset"


def plan(folder: Path, job: Job) -> Plan:
    """The plan of a job whose files are in `folder`."""
    return _Planner(folder, job).plan()


class _Planner:
    """Makes the plan of one job; a layer and its process have the same name."""

    def __init__(self, folder: Path, job: Job) -> None:
        self._job, self._graph = job, job.network.graph
        self._learning: LearningSchedule | None = None
        self._schedule = schedule(self._graph)
        if job.rule is not None:
            self._learning = learning_schedule(self._graph, job.rule)
            self._schedule = self._learning.forward
        self._output = sender(self._graph, self._graph.output)[0]
        self._plan = Plan(folder, max(self._window(name).last for name in job.network.neurons), self._output)

    def plan(self) -> Plan:
        for name in self._graph.names:
            op = self._graph.op(name)
            PLANNERS[type(op)](self, name, op)
        for arrival in self._schedule.arrivals:
            self._arrive(arrival)
        for name in dict.fromkeys((*self._job.traced, self._output)):
            self._sink(name)
        if self._job.rule is not None and self._learning is not None:
            teach(self._plan, self._job, self._job.rule, self._learning)
        return self._plan

    def _shape(self, name: str) -> tuple[int, ...]:
        """Shape of the ports that carry the result of a layer."""
        return self._job.ports(self._graph.types[name].size)

    def _window(self, name: str) -> Window:
        """When a layer computes."""
        made, pause = self._schedule, self._learning.pause if self._learning else 0
        return Window.at_hop(made.hops[name], self._job.steps, self._job.rounds, made.period, pause)

    def input(self, name: str, op: IntInput) -> None:
        frames = self._plan.folder / FRAMES
        self._plan.add(
            name, f"{OURS}.streams:Source", shape=self._shape(name), frames=frames, window=self._window(name)
        )

    def nothing(self, name: str, op: Op) -> None:
        """Made elsewhere: ports carry vectors, last axis fastest, so flattening is no work; see `_arrive`."""

    def _arrive(self, arrival: Arrival) -> None:
        """Synapses, fed through a delay line where spikes have to wait; again for each way through them."""
        synapses = arrival.synapses
        while synapses in self._plan.processes:
            synapses += ":again"
        self._synapses(synapses, arrival)
        self._plan.connect(self._held(synapses, arrival), "s_out", synapses, "s_in")
        self._plan.connect(synapses, "a_out", arrival.neurons, "a_in")

    def _held(self, synapses: str, arrival: Arrival) -> str:
        """The process that sends to `synapses`."""
        if self._job.standard or (not arrival.wait and not arrival.delay):
            return arrival.origin
        line = f"{synapses}:delay"
        self._plan.add(
            line,
            f"{OURS}.delay:DelayLine",
            shape=self._shape(arrival.origin),
            wait=arrival.wait,
            delay=arrival.delay,
            window=self._window(arrival.origin),
        )
        self._plan.connect(arrival.origin, "s_out", line, "s_in")
        return line

    def _synapses(self, name: str, arrival: Arrival) -> None:
        op = self._graph.of(IntSynapses)[arrival.synapses]
        if self._job.rule is not None and name in self._job.rule.synapses:
            return  # made by `teach`
        source = self._graph.sources(arrival.synapses)[0]
        given, made = (self._graph.types[layer].shape for layer in (source, arrival.synapses))
        if self._job.batch > 1:
            self._batch_synapses(name, op, given, made, largest_input(self._job.network, arrival.origin))
            return
        weights = sparse_weights(op, given) if isinstance(op, IntConv) else op.weight_q.astype(np.int32)
        low, high = bounds.carried(self._graph, arrival.origin, self._job.network.registers)
        wait = arrival.wait if self._job.standard else 0
        self._plan.processes[name] = fixed_synapses(weights, op.exponent, low, high, wait)

    def _batch_synapses(self, name: str, op: IntSynapses, given: Shape, made: Shape, largest: int) -> None:
        self._plan.add(
            name,
            f"{OURS}.synapses:BatchSynapses",
            op=op,
            given=given,
            made=made,
            batch=self._job.batch,
            largest_input=largest,
        )

    def neurons(self, name: str, op: IntLIF) -> None:
        if self._job.standard:
            first, steps = self._window(name).first, self._job.steps
            fields = lif_arguments(op)
            self._plan.add(
                name, LIF_RESET, shape=self._shape(name), **fields, reset_interval=steps, reset_offset=first
            )
            return
        self._plan.add(
            name,
            f"{OURS}.neurons:LIF",
            op=op,
            shape=self._shape(name),
            registers=self._job.network.registers,
            window=self._window(name),
            idle=self._job.idle,
            overflows=self._plan.board(overflows_file(name), (1,), np.int64),
        )

    def _sink(self, name: str) -> None:
        window, shape = self._window(name), self._shape(name)
        rows = (window.length, int(np.prod(shape)))
        is_output = name == self._output
        with_membrane = name in self._job.traced or self._job.network.is_readout
        with_current = name in self._job.traced and self._job.current
        sink = f"{name}:sink"
        probes = self._job.standard and with_membrane
        self._plan.add(
            sink,
            f"{OURS}.probe:Probe" if probes else f"{OURS}.streams:Sink",
            shape=shape,
            window=window,
            spikes=self._plan.board(spikes_file(name), rows, np.int32),
            membrane=self._plan.board(membrane_file(name), rows, np.int32) if with_membrane else None,
            current=self._plan.board(current_file(name), rows, np.int32) if with_current else None,
            progress=self._plan.board(PROGRESS, (1,), np.int64) if is_output else None,
        )
        self._plan.connect(name, "s_out", sink, "s_in")
        for letter in "v" * with_membrane + "u" * with_current:
            if probes:
                self._plan.read(sink, letter, name, letter)
            else:
                self._plan.connect(name, f"{letter}_out", sink, f"{letter}_in")


PLANNERS: dict[type[Op], Callable[[_Planner, str, Any], None]] = {
    IntInput: _Planner.input,
    Flatten: _Planner.nothing,
    Delay: _Planner.nothing,
    IntDense: _Planner.nothing,
    IntConv: _Planner.nothing,
    IntLIF: _Planner.neurons,
    Output: _Planner.nothing,
}
"""What plans the process of each kind of layer."""
