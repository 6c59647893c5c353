"""Limits that Lava does not check itself: past them it wraps silently.

Worst cases are taken from the input's declared range and the weights; synapses that learn may reach any int8
weight:

1. Input values lie in the range that the input operation declares.
2. Sums before the shift fit: Lava multiplies graded input and weights, which it takes doubled, in int32.
3. What reaches a neuron group, and each group of synapses after its shift, fits the int32 channel.
4. Thresholds and biases fit the register of the membrane potential and int32.
5. Every kind of layer has a process.
"""

from __future__ import annotations

import numpy as np

from neurodeploy.errors import FitError, InputError, UnsupportedError
from neurodeploy.ir import Flatten, IntDense, IntInput, IntLIF, Output
from neurodeploy.network import Network, Stimulus

CHANNEL_BITS = 32
CHANNEL_MAX = (1 << (CHANNEL_BITS - 1)) - 1
SUPPORTED = (IntInput, Flatten, IntDense, IntLIF, Output)


def legalise(network: Network, stimulus: Stimulus, learns: str | None = None) -> None:
    """Raise `FitError`, `InputError` or `UnsupportedError` where Lava would compute something else.

    `learns` names the synapses that learn, if any.
    """
    _supported(network)
    _input(network.input, stimulus)
    bounds = _synapses(network, learns)
    for name, op in network.neurons.items():
        _neurons(network, name, op, sum(bounds[source] for source in network.graph.sources(name)))


def largest_input(network: Network, name: str) -> int:
    """Largest magnitude that layer `name` can send: 1 for spikes, else the input's range."""
    if network.graph.types[name].signal == "spike":
        return 1
    return max(-network.input.low, network.input.high)


def _supported(network: Network) -> None:  # rule 5
    for name in network.graph.names:
        op = network.graph.op(name)
        if not isinstance(op, SUPPORTED):
            raise UnsupportedError(f"layer '{name}': Lava has no process for '{op.kind}'; use the engine")


def _input(op: IntInput, stimulus: Stimulus) -> None:  # rule 1
    low, high = int(stimulus.x.min()), int(stimulus.x.max())
    if low < op.low or high > op.high:
        raise InputError(
            f"the input holds values {low}..{high}, but the network was compiled for {op.low}..{op.high}; "
            f"make it with Network.stimulus"
        )


def _synapses(network: Network, learns: str | None) -> dict[str, int]:
    """Largest |a| that each group of synapses can send."""
    bounds = {}
    for name, op in network.graph.of(IntDense).items():
        given = largest_input(network, network.graph.sources(name)[0])
        weights = np.full_like(op.weight_q, -128) if name == learns else op.weight_q
        total = int(np.abs(weights.astype(np.int64)).sum(axis=1).max(initial=0)) * given
        _fits(name, "synaptic sums, doubled,", 2 * total, "lower the input's range")  # rule 2
        # Floor rounds a negative sum away from zero, by less than one.
        bounds[name] = total << op.exponent if op.exponent >= 0 else (total >> -op.exponent) + 1
        _fits(name, "synaptic input after the shift", bounds[name], "lower the exponent")  # rule 3
    return bounds


def _neurons(network: Network, name: str, op: IntLIF, current: int) -> None:
    _fits(name, "the sum of all synaptic inputs", current, "lower the weights or exponents")  # rule 3
    register = network.registers.v
    if op.fire_at > register.high:  # rule 4
        raise FitError(
            f"layer '{name}': it fires from {op.fire_at} on, but its potential has {register.bits} bits and "
            f"ends at {register.high}; lower the scale of its weights"
        )
    bias = int(np.abs(op.bias_q).max(initial=0))
    _fits(name, "the bias", bias, "lower the scale of its weights")  # rule 4


def _fits(layer: str, what: str, value: int, remedy: str) -> None:
    if value > CHANNEL_MAX:
        raise FitError(
            f"layer '{layer}': {what} can reach {value}; Lava's integers have {CHANNEL_BITS} bits and end at "
            f"{CHANNEL_MAX} ({value - CHANNEL_MAX} over). Try to {remedy}."
        )
