"""The learning rule that suits a network, in the chip's integers."""

from __future__ import annotations

from typing import Literal

import numpy as np

from neurodeploy.ir import DECAY_ONE, IntDense
from neurodeploy.ir.integer_ops import one_number
from neurodeploy.learning.layer import learning_layer
from neurodeploy.network import Network
from neurodeploy.semantics import CURRENT_SHIFT, ThreeFactorRule

TRACE_BITS = 7
HALVE_SAMPLES = 128
HALVINGS = 2
WINDOW_THRESHOLDS = 2
MARGIN_SPIKES = 2


def default_rule(
    network: Network, update: Literal["step", "sample"] = "sample", seed: int = 0
) -> ThreeFactorRule:
    """OTTT for the last layer of `network`.

    1. The trace decays as the layer's potential does; a spike adds the largest power of two for which a neuron
       that fires in every step does not saturate the trace.
    2. One spike just before one error moves a weight by one unit (rate 1 / impulse), at first; the rate is
       halved after 128 samples and again after 256.
    3. The surrogate is open within two thresholds of the threshold; the margin of a readout without spikes
       is what two spikes a step through the largest weight amount to.
    4. Weights stay within the symmetric grid, +-(2^n - 1), that holds them.
    """
    layer = learning_layer(network)
    op = network.neurons[layer.neurons]
    dv, threshold = one_number(op, "dv"), one_number(op, "threshold_q")
    weight_max = _weight_max(network.graph.of(IntDense)[layer.synapses])
    keep = 1 - dv / DECAY_ONE
    steady = sum(keep**t for t in range(network.steps))
    impulse = 1
    while 2 * impulse * steady <= (1 << TRACE_BITS) - 1:
        impulse *= 2
    rate_shift = impulse.bit_length() - 1
    return ThreeFactorRule(
        trace_decay=dv,
        impulse=impulse,
        window=WINDOW_THRESHOLDS * threshold,
        margin=MARGIN_SPIKES * network.steps * (weight_max << CURRENT_SHIFT) if op.reset == "none" else 0,
        rate_shift=rate_shift,
        rate_shift_end=rate_shift + HALVINGS,
        halve_every=HALVE_SAMPLES * (network.steps if update == "step" else 1),
        update=update,
        weight_max=weight_max,
        trace_bits=TRACE_BITS,
        seed=seed,
    )


def _weight_max(synapses: IntDense) -> int:
    """End of the symmetric grid of the weights: the smallest 2^n - 1 that holds them, at most 127."""
    largest = int(np.abs(synapses.weight_q.astype(np.int64)).max(initial=0))
    return min(max((1 << largest.bit_length()) - 1, 1), 127)
