"""The float network that the integers stand for: what is left when only their meaning counts, not the machine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.compare.values import neurons_of
from neurodeploy.errors import InputError
from neurodeploy.ir import (
    DECAY_ONE,
    LIF,
    Conv,
    Delay,
    Dense,
    Flatten,
    Graph,
    IntLIF,
    IntSynapses,
    Op,
    Readout,
)
from neurodeploy.network import Network
from neurodeploy.quant.record import recorded_unit
from neurodeploy.semantics import CURRENT_SHIFT

Array = npt.NDArray[Any]


def check_same(graph: Graph, network: Network) -> None:
    """Check that a lowered float graph and a network have the same layers; else `InputError` names the first."""
    layers = neurons_of(graph)
    for name, op in network.neurons.items():
        other = layers.get(name)
        if other is None:
            raise InputError(
                f"the float model has no layer '{name}'; is it the one this network was compiled from?"
            )
        if other.shape != op.shape or isinstance(other, LIF) != (op.reset != "none"):
            kind = "readout" if op.reset == "none" else "lif"
            raise InputError(
                f"layer '{name}': the float model has {other.kind}{list(other.shape)}, the network "
                f"{kind}{list(op.shape)}; they do not belong together"
            )
    for name, synapses in network.graph.of(IntSynapses).items():
        found = graph.op(name) if name in graph.names else None
        if not isinstance(found, (Dense, Conv)) or found.weight.shape != synapses.weight_q.shape:
            shape = list(found.weight.shape) if isinstance(found, (Dense, Conv)) else ""
            shown = "no such layer" if found is None else f"{found.kind}{shape}"
            raise InputError(
                f"layer '{name}': the float model has {shown}, the network "
                f"{synapses.kind}{list(synapses.weight_q.shape)}; they do not belong together"
            )


def units(graph: Graph, network: Network) -> dict[str, float]:
    """The real potential that one integer step is worth, by layer of neurons.

    As the compiler recorded it, else mean threshold / mean threshold_q. Raises `InputError` for a readout without
    record: its integers alone do not tell.
    """
    return {name: _unit(graph.op(name), op, name, network) for name, op in network.neurons.items()}


def _unit(real: Op, op: IntLIF, name: str, network: Network) -> float:
    recorded = recorded_unit(network, name)
    if recorded is not None:
        return recorded
    if isinstance(real, LIF):
        return float(real.threshold.mean() / op.threshold_q.mean())
    raise InputError(
        f"layer '{name}': nothing records what one integer step of this readout is worth; compile the model again"
    )


def dequantized(graph: Graph, network: Network) -> Graph:
    """`graph` with every number replaced by what its integer in `network` stands for.

        weight = 64 unit levels 2^exponent weight_q      threshold = unit threshold_q,   likewise bias, initial, ...
        decay = (4096 - dv) / 4096,   current_decay = (4096 - du) / 4096

    with unit that of the layer's neurons, and levels those of the input, 1 for synapses that spikes reach.
    """
    worth = units(graph, network)
    ops: dict[str, Op] = {}
    for name, q in network.neurons.items():
        for source in network.graph.sources(name):
            ops[source] = _synapses(graph, network, source, worth[name])
        ops[name] = _neurons(graph.op(name), q, worth[name])
    return graph.replaced(ops)


def levels(network: Network, synapses: str) -> float:
    """Integer steps per unit of what reaches a group of synapses."""
    return network.input.levels if from_input(network.graph, synapses) else 1.0


def from_input(graph: Graph, synapses: str) -> bool:
    """True where the input reaches these synapses, through nothing but delays and other shapes."""
    name = graph.sources(synapses)[0]
    while isinstance(graph.op(name), (Flatten, Delay)):
        name = graph.sources(name)[0]
    return not graph.sources(name)


def _synapses(graph: Graph, network: Network, name: str, unit: float) -> Op:
    op, q = graph.op(name), network.graph.op(name)
    if not isinstance(op, (Dense, Conv)) or not isinstance(q, IntSynapses):
        raise InputError(f"layer '{name}': '{op.kind}' and '{q.kind}' are not the same synapses")
    scale = unit * (1 << CURRENT_SHIFT) * levels(network, name) * 2.0**q.exponent
    return replace(op, weight=(scale * q.weight_q.astype(np.float64)).astype(np.float32))


def _neurons(op: Op, q: IntLIF, unit: float) -> Op:
    kept = {"decay": (DECAY_ONE - q.dv) / DECAY_ONE, "current_decay": (DECAY_ONE - q.du) / DECAY_ONE}
    if isinstance(op, Readout):
        return replace(op, **kept, bias=unit * q.bias_q)
    if not isinstance(op, LIF):
        raise InputError(f"'{op.kind}' are no neurons")
    return replace(
        op,
        **kept,
        bias=unit * q.bias_q,
        threshold=unit * q.threshold_q,
        initial=unit * q.initial_q,
        reset_by=None if q.reset_by_q is None else unit * q.reset_by_q,
        v_min=None if q.v_min_q is None else unit * q.v_min_q,
        compare=q.compare,
    )
