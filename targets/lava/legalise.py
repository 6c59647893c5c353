"""Limits that Lava does not check itself: past them it wraps silently.

Worst cases are taken from the input's declared range and the weights; synapses that learn may reach any int8
weight:

1. The stimulus is the network's: its shape, number of steps and range.
2. Sums before the shift fit: Lava multiplies graded input and weights, which it takes doubled, in int32.
3. The result of each group of synapses fits the int32 channel.
4. Every kind of layer has a process.

Neurons add up what reaches them, and compare it, on int64.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from neurodeploy.backend import require_stimulus
from neurodeploy.errors import FitError, UnsupportedError
from neurodeploy.ir import Delay, Flatten, IntConv, IntDense, IntInput, IntLIF, IntSynapses, Output
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import bounds

CHANNEL_BITS = 32
CHANNEL_MAX = (1 << (CHANNEL_BITS - 1)) - 1
SUPPORTED = (IntInput, Flatten, Delay, IntDense, IntConv, IntLIF, Output)


def legalise(network: Network, stimulus: Stimulus, learns: Collection[str] = ()) -> None:
    """Raise `FitError`, `InputError` or `UnsupportedError` where Lava would compute something else.

    `learns` names the synapses that learn.
    """
    legalise_network(network, learns)
    require_stimulus(network, stimulus)  # rule 1


def legalise_network(network: Network, learns: Collection[str] = ()) -> None:
    """The same for every input that the network may get."""
    _supported(network)
    for name, op in network.graph.of(IntSynapses).items():
        _synapses(network, name, op, name in learns)


def largest_input(network: Network, name: str) -> int:
    """Largest magnitude that layer `name` can send to synapses."""
    low, high = bounds.carried(network.graph, name, network.registers)
    return max(-low, high)


def _supported(network: Network) -> None:  # rule 4
    for name in network.graph.names:
        op = network.graph.op(name)
        if not isinstance(op, SUPPORTED):
            raise UnsupportedError(f"layer '{name}': Lava has no process for '{op.kind}'; use the engine")


def _synapses(network: Network, name: str, op: IntSynapses, learns: bool) -> None:
    given = largest_input(network, network.graph.sources(name)[0])
    widest = replace(op, weight_q=np.full_like(op.weight_q, -128)) if learns else op
    total = bounds.partial_sums(widest, given)
    fits(name, "synaptic sums, doubled,", 2 * total, "lower the input's range")  # rule 2
    # Floor rounds a negative sum away from zero, by less than one.
    shifted = total << op.exponent if op.exponent >= 0 else (total >> -op.exponent) + 1
    fits(name, "synaptic input after the shift", shifted, "lower the exponent")  # rule 3


def fits(layer: str, what: str, value: int, remedy: str) -> None:
    """Raise `FitError` for a number that Lava's integers do not hold."""
    if value > CHANNEL_MAX:
        raise FitError(
            f"layer '{layer}': {what} can reach {value}; Lava's integers have {CHANNEL_BITS} bits and end at "
            f"{CHANNEL_MAX} ({value - CHANNEL_MAX} over). Try to {remedy}."
        )
