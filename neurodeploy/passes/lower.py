"""From any float graph to the form that is quantized."""

from __future__ import annotations

from neurodeploy.ir import Graph
from neurodeploy.passes.base import Notes, Pass, run_passes
from neurodeploy.passes.compose import ComposeSynapses
from neurodeploy.passes.dead_code import DeadCode
from neurodeploy.passes.max_pool import MaxPoolNeurons

LOWERING: tuple[Pass, ...] = (DeadCode(), MaxPoolNeurons(), ComposeSynapses())
"""The passes that keep a float graph a float graph, in their order."""


def lower(graph: Graph, notes: Notes) -> Graph:
    """A graph with the same spikes, of Input, Dense, Conv, LIF, Readout, Flatten, Delay and Output alone.

    Every layer of neurons is fed by groups of synapses (Dense or Conv) without bias, each of them by the input or
    by spiking neurons, delayed, flattened or as they are; all constants are biases of neurons.

    Raises `UnsupportedError` for what has no such form, `InputError` for a graph that is not valid.
    """
    return run_passes(graph, LOWERING, notes)
