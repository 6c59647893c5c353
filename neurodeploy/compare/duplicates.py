"""Neurons that are copies of others: what they compute is known before any run."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.ir import Delay, IntConv, IntLIF, IntSynapses, Op
from neurodeploy.ir.integer_ops import NEURON_PARAMETERS
from neurodeploy.network import Network

Array = npt.NDArray[Any]


def duplicates(network: Network, name: str) -> tuple[tuple[int, ...], ...]:
    """Groups of neurons of one layer with the same incoming weights and parameters; channels, of a convolution.

    Their spikes are the same for every input, so that all but one of each group can be removed if its outgoing
    weights are added to that one. Channels of a grouped convolution must also see the same inputs.
    """
    op = network.neurons[name]
    size = op.shape[0]
    sources = [_undelayed(network, source) for source in network.graph.sources(name)]
    synapses = [one for one in sources if isinstance(one, IntSynapses) and len(one.weight_q) == size]
    if len(synapses) < len(sources):
        return ()
    rows = np.concatenate(
        [column for one in synapses for column in _weights(one)] + _parameters(op, size), axis=1
    )
    _, number, count = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    number = number.reshape(-1)
    groups = [tuple(np.flatnonzero(number == i).tolist()) for i in np.flatnonzero(count > 1)]
    return tuple(sorted(groups))


def _undelayed(network: Network, name: str) -> Op:
    while isinstance(network.graph.op(name), Delay):
        name = network.graph.sources(name)[0]
    return network.graph.op(name)


def _weights(op: IntSynapses) -> list[Array]:
    """Incoming weights, one row a neuron or channel, and which inputs they belong to."""
    weight = op.weight_q.reshape(len(op.weight_q), -1).astype(np.int64)
    groups = op.groups if isinstance(op, IntConv) else 1
    return [weight, np.repeat(np.arange(groups), len(weight) // groups)[:, np.newaxis]]


def _parameters(op: IntLIF, size: int) -> list[Array]:
    given = [getattr(op, name) for name in NEURON_PARAMETERS]
    return [np.broadcast_to(values, op.shape).reshape(size, -1) for values in given if values is not None]
