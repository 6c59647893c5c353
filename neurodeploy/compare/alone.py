"""What each layer loses by itself: it gets exact inputs, so that no loss of an earlier layer is blamed on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import LayerTrace
from neurodeploy.compare.values import LayerValues, float_values, of_integer
from neurodeploy.errors import UnsupportedError
from neurodeploy.ir import Delay, Flatten, Graph, IntInput, IntLIF, IntSynapses, Output
from neurodeploy.ir.interpreter import interpret
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import State, step
from neurodeploy.semantics.synapses import Synapses

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
    current = _current(network, name, stimulus, spikes)
    state = State.start(op, (stimulus.samples,))
    fired, potentials = [], []
    for a in current:
        done = step(op, network.registers, state, a)
        state = done.state
        fired.append(done.spikes)
        potentials.append(state.v)
    return of_integer(op, LayerTrace(np.stack(fired), np.stack(potentials)), unit)


def _current(network: Network, name: str, stimulus: Stimulus, spikes: Mapping[str, Array]) -> Array:
    """The sum a[t] of all that reaches the neurons, int64 `(T, N, *shape)`."""
    op = network.neurons[name]
    total: Array = np.zeros((stimulus.steps, stimulus.samples, *op.shape), np.int64)
    for source in network.graph.sources(name):
        total += _result(network.graph, source, stimulus, spikes)
    return total


def _result(graph: Graph, name: str, stimulus: Stimulus, spikes: Mapping[str, Array]) -> Array:
    """What a layer sends, int64 `(T, N, *shape)`; delays hold zeros at first."""
    op = graph.op(name)
    if isinstance(op, IntInput):
        return np.stack([stimulus.frame(t) for t in range(stimulus.steps)])
    if isinstance(op, IntLIF):
        return spikes[name].astype(np.int64)
    values = _result(graph, graph.sources(name)[0], stimulus, spikes)
    if isinstance(op, IntSynapses):
        return _sums(op, values)
    if isinstance(op, Delay):
        late = np.zeros_like(values)
        late[op.steps :] = values[: max(0, len(values) - op.steps)]
        return late
    if isinstance(op, Flatten):
        return values.reshape(*values.shape[:2], -1)
    raise UnsupportedError(f"layer '{name}': '{op.kind}' has no place before neurons of integers")


def _sums(op: IntSynapses, x: Array) -> Array:
    largest = int(np.abs(x).max(initial=0))
    sums: Array = np.moveaxis(Synapses(op, largest)(np.moveaxis(x, 1, -1)), -1, 1).astype(np.int64)
    return sums
