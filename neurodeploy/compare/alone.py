"""What each layer loses by itself: it gets exact inputs, so that no loss of an earlier layer is blamed on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import LayerTrace
from neurodeploy.compare.values import LayerValues, float_values, of_integer
from neurodeploy.ir import Graph, Output
from neurodeploy.ir.interpreter import interpret
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import State, step
from neurodeploy.semantics.currents import current

Array = npt.NDArray[Any]


ALONE = "alone."
"""What the names of a layer's copies begin with."""


def only_layer(exact: Graph, rounded: Graph, name: str) -> Graph:
    """A copy of the neurons `name` and their synapses as in `rounded`, and all that these get as in `exact`.

    What feeds back into the layer is part of that: the copy gets the spikes of the exact loop and sends none back.
    """
    synapses = exact.sources(name)
    given = [(source, one) for one in synapses for source in exact.sources(one)]
    kept = [one for one in exact.names if any(exact.reaches(one, source) for source, _ in given)]
    copies = {ALONE + one: rounded.op(one) for one in (*synapses, name)}
    edges = [(a, b) for a, b in exact.edges if a in kept and b in kept]
    edges += [(source, ALONE + one) for source, one in given]
    edges += [(ALONE + one, ALONE + name) for one in synapses]
    ops = {**{one: exact.op(one) for one in kept}, **copies, ALONE + "output": Output()}
    return Graph(ops, [*edges, (ALONE + name, ALONE + "output")])


def rounded_alone(
    exact: Graph, rounded: Graph, name: str, x: Array, steps: int, time_axis: bool
) -> LayerValues:
    """The float run of one layer with the numbers of `rounded`, all before it with those of `exact`."""
    graph = only_layer(exact, rounded, name)
    return float_values(graph, interpret(graph, x, steps, time_axis=time_axis))[ALONE + name]


def integer_alone(
    network: Network, name: str, stimulus: Stimulus, spikes: Mapping[str, Array], unit: float
) -> LayerValues:
    """The integer machine's run of one layer, whose inputs are the `spikes` `(T, N, *shape)` of another run."""
    op = network.neurons[name]
    x = np.stack([stimulus.frame(t) for t in range(stimulus.steps)])
    state = State.start(op, (stimulus.samples,))
    fired, potentials = [], []
    for a in current(network.graph, name, x, spikes):
        done = step(op, network.registers, state, a)
        state = done.state
        fired.append(done.spikes)
        potentials.append(state.v)
    return of_integer(op, LayerTrace(np.stack(fired), np.stack(potentials)), unit)
