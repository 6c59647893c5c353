"""What is the same for every batch and thread: which layers compute in which order, from which weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurodeploy.errors import UnsupportedError
from neurodeploy.ir import Delay, Flatten, Graph, IntConv, IntDense, IntInput, IntLIF, Output
from neurodeploy.network import Network
from neurodeploy.semantics import bounds
from neurodeploy.targets.engine.compiled.pack import Packed
from neurodeploy.targets.engine.compiled.parameters import Parameters
from neurodeploy.targets.engine.compiled.signals import Signal, number_type, signals
from neurodeploy.targets.engine.schedule import Stage, stages, unchanging


@dataclass(frozen=True)
class Plan:
    """A network made ready for batches of `steps` steps, or None for streams; see `make_plan`."""

    graph: Graph
    steps: int | None
    number: np.dtype[Any]
    signals: dict[str, Signal]
    synapses: dict[str, Packed]
    neurons: dict[str, Parameters]
    stages: tuple[Stage, ...]
    unchanging: frozenset[str]

    @property
    def input(self) -> str:
        """Name of the input."""
        return next(iter(self.graph.of(IntInput)))


def make_plan(network: Network, steps: int | None) -> Plan:
    """Pack weights and parameters; `steps` as in `bounds.checked`.

    Raises `FitError` for a network whose sums are not exact, `UnsupportedError` for an unknown operation.
    """
    graph, registers = network.graph, network.registers
    for name in graph.names:
        if not isinstance(graph.op(name), _KNOWN):
            raise UnsupportedError(f"layer '{name}': the engine cannot run '{graph.op(name).kind}'")
    bounds.require_exact(graph, registers)
    number = number_type(graph, registers)
    found = signals(graph, registers, number)
    synapses, neurons = {}, {}
    for name in graph.names:
        op = graph.op(name)
        if isinstance(op, (IntDense, IntConv)):
            source = graph.sources(name)[0]
            low, high = bounds.carried(graph, source, registers)
            synapses[name] = Packed(op, found[source], max(-low, high))
        elif isinstance(op, IntLIF):
            checked = bounds.checked(graph, name, registers, steps)
            neurons[name] = Parameters(op, checked, found[name], number)
    return Plan(graph, steps, number, found, synapses, neurons, stages(graph), unchanging(graph))


_KNOWN = (IntInput, IntDense, IntConv, IntLIF, Delay, Flatten, Output)
