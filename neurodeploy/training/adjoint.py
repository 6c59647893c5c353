"""Gradients on their way back through the space of a network, at one time step or in a rate pass."""

from __future__ import annotations

from collections.abc import Callable

import torch

from neurodeploy.training.maps import Sum
from neurodeploy.training.neurons import LIF
from neurodeploy.training.normalization import Norm
from neurodeploy.training.structure import Network
from neurodeploy.training.synapses import Synapse

ThroughNeuron = Callable[[int, LIF, torch.Tensor], torch.Tensor]
"""dL/dI of a neuron node from dL/ds."""
Gather = Callable[[int, Synapse, torch.Tensor], None]
"""Takes the delta = dL/dI of a synapse node."""
ThroughNorm = Callable[[int, Norm, torch.Tensor], torch.Tensor]
"""dL/dc of a batch norm node from dL/dy."""


def trained_nodes(network: Network) -> frozenset[int]:
    """The nodes to which a gradient has to come: those that depend on a parameter."""
    return network.above((*network.of(Synapse), *network.of(Norm)))


def send_back(
    network: Network,
    trained: frozenset[int],
    delta: torch.Tensor,
    values: list[torch.Tensor],
    through_neuron: ThroughNeuron,
    gather: Gather,
    through_norm: ThroughNorm,
) -> None:
    """Send delta = dL/d(output) back through all nodes, from the last to the first.

        neuron: delta * ds/dI      synapse: W^T delta      map: M^T delta      sum: delta to both

    `values[i]` has the shape of node i's value, and its numbers where a maximum is taken of it; `trained` as
    of `trained_nodes`.
    """
    waiting = {len(network.nodes) - 1: delta}
    for i in reversed(range(1, len(network.nodes))):
        if i not in waiting or i not in trained:
            continue
        node, delta = network.nodes[i], waiting.pop(i)
        op, source = node.op, node.sources[0]
        if isinstance(op, LIF):
            back = through_neuron(i, op, delta)
        elif isinstance(op, Synapse):
            gather(i, op, delta)
            back = op.input_gradient(delta, values[source].shape) if source in trained else delta
        elif isinstance(op, Norm):
            back = through_norm(i, op, delta)
        else:
            back = delta
            if not isinstance(op, Sum):
                back = op.back(delta, values[source])  # type: ignore[union-attr]
        for j in node.sources:
            if j in trained:
                waiting[j] = waiting[j] + back if j in waiting else back
