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


def only_layer(exact: Graph, rounded: Graph, name: str) -> Graph:
    """Everything that the neurons `name` depend on, exact but for these neurons and their synapses."""
    kept = [one for one in exact.names if one == name or exact.reaches(one, name)]
    own = (name, *exact.sources(name))
    ops = {one: (rounded if one in own else exact).op(one) for one in kept}
    edges = [(a, b) for a, b in exact.edges if a in ops and b in ops]
    return Graph({**ops, "alone.output": Output()}, [*edges, (name, "alone.output")])


def rounded_alone(
    exact: Graph, rounded: Graph, name: str, x: Array, steps: int, time_axis: bool
) -> LayerValues:
    """The float run of one layer with the numbers of `rounded`, all before it with those of `exact`."""
    graph = only_layer(exact, rounded, name)
    return float_values(graph, interpret(graph, x, steps, time_axis=time_axis))[name]


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
