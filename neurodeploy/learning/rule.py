"""The learning rule that suits a network, in the chip's integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log2, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import UnsupportedError, UsageError
from neurodeploy.ir import DECAY_ONE, IntLIF, IntSynapses
from neurodeploy.learning.groups import learning_paths
from neurodeploy.network import Network
from neurodeploy.semantics import CURRENT_SHIFT, ThreeFactorRule, bounds
from neurodeploy.semantics.learning import (
    PHI_ONE,
    Columns,
    ErrorPaths,
    Group,
    Homeostasis,
    NeuronRule,
    SynapseRule,
    feedback_noise,
    feedback_weights,
)
from neurodeploy.semantics.learning.rule import Feedback, Kind, Update

TRACE_BITS = 7
ERROR_BITS = 8
TYPICAL_ERROR = 1 << (ERROR_BITS - 3)
"""Root mean square that errors of hidden layers are scaled to: a quarter of what their register holds."""
MEAN_FACTOR = 15
"""Largest mean post factor of `rate`."""
HIDDEN_SLOWER = 3
"""Halvings of the rates of hidden layers; chosen on 500 held-out training samples of drifting digits."""
SAMPLES = 768
"""How many samples a rule is made for where nobody says."""
SIXTHS, HALVINGS, MARGIN_SPIKES = 6, 4, 1
"""Chosen on validation parts of digits' training split under drift and on sessions 1 and 2 of Myo recordings."""
WINDOW_THRESHOLDS = 2


def default_rule(
    network: Network,
    update: Update = "sample",
    seed: int = 0,
    *,
    samples: int = SAMPLES,
    rule: Kind = "ottt",
    layers: str | Sequence[str] = "last",
    feedback: Feedback = "symmetric",
    error_delay: int = 0,
    slower: int = 0,
    weight_decay: int | None = None,
    homeostasis: Homeostasis | None = None,
) -> ThreeFactorRule:
    """The three-factor rule for `network`: 'ottt' or 'rate', for the groups of synapses that `layers` names.

    `samples` is how many it will learn from.

    1. A trace decays as the potential of the group's neurons does ('rate': not at all); what arrives enters it times
       the largest power of two for which the largest input in every step does not saturate it.
    2. One largest input just before one full error moves a weight by one unit, at first; the rate is halved after each
       sixth of the samples, four times. A convolution's rate is smaller by the root of its number of places. A full
       error is 1 at the output, and the root mean square of the errors elsewhere, where the rate is an eighth of
       this. `slower` halves all rates so often.
    3. The post factor is 1 within two thresholds of the threshold, else 0; the margin of a readout without spikes
       is what one spike a step through the largest weight amounts to.
    4. Errors of hidden layers are shifted so that their root mean square is a quarter of what 8 bits hold, as
       estimated from the feedback weights, two wrong outputs and independent signs.
    5. Weights stay within the symmetric grid, +-(2^n - 1), that holds them.

    Raises `UsageError` for an option out of its range or an unknown layer, `UnsupportedError` for layers that
    cannot learn.
    """
    if samples < 1:
        raise UsageError(f"a rule must be for 1 or more samples, not {samples}")
    paths = learning_paths(network, layers)
    choice = _Choice(network, paths, rule, feedback, seed)
    neurons = {name: choice.neurons(name) for name in paths.neurons}
    updates = max(1, network.steps - error_delay) if update == "step" else 1
    made = ThreeFactorRule(
        synapses={g.synapses: choice.synapses(g, slower) for g in paths.learning},
        neurons=neurons,
        rule=rule,
        update=update,
        feedback=feedback,
        error_delay=error_delay,
        margin=_margin(network, paths),
        halve_every=max(samples // SIXTHS, 1) * updates,
        weight_decay=weight_decay,
        homeostasis=homeostasis,
        trace_bits=TRACE_BITS,
        error_bits=ERROR_BITS,
        seed=seed,
    )
    made.require_steps(network.steps)
    return made


@dataclass
class _Choice:
    """The numbers of one rule, layer by layer, the output first."""

    network: Network
    paths: ErrorPaths
    rule: Kind
    feedback: Feedback
    seed: int

    def __post_init__(self) -> None:
        self._full: dict[str, float] = {}
        self._rms: dict[str, float] = {}

    def neurons(self, name: str) -> NeuronRule:
        """The numbers of one layer; its full and its typical modulated error are kept for the layers before."""
        op, steps = self.network.neurons[name], self.network.steps
        readout, means = op.reset == "none", self.rule == "rate"
        factor = 1 if readout or not means else MEAN_FACTOR
        exponent = 0
        if name == self.paths.output:
            counted = steps if means and not readout else 1
            if counted > (1 << (ERROR_BITS - 1)) - 1:
                exponent = -ceil(log2(counted / ((1 << (ERROR_BITS - 1)) - 1)))
            self._full[name] = counted * 2.0**exponent * factor
            self._rms[name] = self._full[name] * sqrt(min(1, 2 / int(np.prod(op.shape))))
        else:
            expected = sqrt(sum(self._returning(g) ** 2 for g in self.paths.back[name]))
            exponent = -max(0, round(log2(max(expected, 1) / TYPICAL_ERROR)))
            self._rms[name] = self._full[name] = max(expected * 2.0**exponent, 1) * factor
        if readout:
            return NeuronRule(error_exponent=exponent)
        window = WINDOW_THRESHOLDS * int(np.median(op.threshold_q))
        return NeuronRule((window,), (1,), exponent, self._eligibility_exponent(op) if means else 0)

    def synapses(self, group: Group, slower: int) -> SynapseRule:
        """The numbers of one learning group."""
        graph, op = self.network.graph, self.network.neurons[group.target]
        dv = _one_decay(group, op)
        low, high = bounds.carried(graph, group.arriving, self.network.registers)
        largest = max(-low, high)
        steady = _steady(1 - dv / DECAY_ONE, self.network.steps)
        longest = self.network.steps if self.rule == "rate" else steady
        exponent = int(np.floor(log2(((1 << TRACE_BITS) - 1) / (largest * longest))))
        places = int(np.prod(graph.types[group.synapses].shape[1:]))
        full = self._full[group.target] * largest * 2.0**exponent * sqrt(places)
        shift = max(0, round(log2(full / (steady if self.rule == "rate" else 1)))) + slower
        if group.target != self.paths.output:
            shift += HIDDEN_SLOWER
        return SynapseRule(
            trace_decay=0 if self.rule == "rate" else dv,
            impulse_exponent=exponent,
            rate_shift=shift,
            rate_shift_end=shift + HALVINGS,
            weight_max=_weight_max(graph.of(IntSynapses)[group.synapses]),
        )

    def _returning(self, group: Group) -> float:
        """Root mean square of what comes back through one group, in units of the least exponent."""
        graph = self.network.graph
        op = graph.of(IntSynapses)[group.synapses]
        siblings = [graph.of(IntSynapses)[g.synapses].exponent for g in self.paths.back[str(group.source)]]
        random = feedback_noise(self.seed, self.paths.lanes[group.synapses], op.weight_q.shape)
        weights = feedback_weights(self.feedback, op.weight_q.astype(np.int64), random)
        columns = Columns(op, graph.types[group.arriving].shape, graph.types[group.synapses].shape)
        squares = float((weights.astype(float) ** 2).sum()) * columns.places
        spread = squares / max(int(np.prod(graph.types[group.arriving].shape)), 1)
        return sqrt(spread) * self._rms[group.target] * 2.0 ** (op.exponent - min(siblings))

    def _eligibility_exponent(self, op: IntLIF) -> int:
        steps, keep = self.network.steps, 1 - float(np.mean(op.dv)) / DECAY_ONE
        largest = PHI_ONE * sum(_steady(keep, t + 1) for t in range(steps))
        return -max(0, ceil(log2((largest + 1) / (MEAN_FACTOR + 1))))


def _steady(keep: float, steps: int) -> float:
    """What a trace of a constant 1 grows to."""
    return float(sum(keep**t for t in range(steps)))


def _one_decay(group: Group, op: IntLIF) -> int:
    if np.ndim(op.dv):
        raise UnsupportedError(
            f"layer '{group.synapses}' cannot learn: the decays of its neurons '{group.target}' differ "
            f"({op.dv.min()}..{op.dv.max()}), and a trace has one decay. Leave it out with --layers"
        )
    return int(op.dv)


def _margin(network: Network, paths: ErrorPaths) -> int:
    if network.neurons[paths.output].reset != "none":
        return 0
    groups = [g.synapses for g in paths.learning if g.target == paths.output] or [
        name for name in network.graph.of(IntSynapses) if paths.lanes[name] == 0
    ]
    largest = max(_weight_max(network.graph.of(IntSynapses)[name]) for name in groups)
    return MARGIN_SPIKES * network.steps * (largest << CURRENT_SHIFT)


def _weight_max(synapses: IntSynapses) -> int:
    """End of the symmetric grid of the weights: the smallest 2^n - 1 that holds them, at most 127."""
    weight: npt.NDArray[Any] = np.abs(synapses.weight_q.astype(np.int64))
    largest = int(weight.max(initial=0))
    return min(max((1 << largest.bit_length()) - 1, 1), 127)
