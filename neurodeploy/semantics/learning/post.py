"""The post-synaptic factor: how near a neuron was to its threshold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from neurodeploy.ir.ops import IntLIF
from neurodeploy.semantics.fixed_point import Int64Array, decay, shift
from neurodeploy.semantics.learning.rule import NeuronRule, ThreeFactorRule

PHI_ONE = 64
"""What a step adds to f: six fractional bits."""


def post_factor(one: NeuronRule, op: IntLIF, potential: Int64Array) -> Int64Array:
    """g[t] of potentials p[t] `(..., *shape)`, as they were compared with the threshold; 1 for a readout."""
    if op.reset == "none":
        return np.ones_like(potential)
    distance = np.abs(potential - op.threshold_q)
    if len(one.edges) == 1:
        return np.where(distance <= one.edges[0], np.int64(one.levels[0]), np.int64(0))
    levels = np.array([*one.levels, 0], np.int64)
    found: Int64Array = levels[np.searchsorted(np.array(one.edges, np.int64), distance, side="left")]
    return found


def eligibility(op: IntLIF, phi: Int64Array, fired: npt.NDArray[np.bool_]) -> Int64Array:
    """f[t] from f[t-1]; `fired` is True where neurons spiked in step t-1; all `(..., *shape)`."""
    kept = np.where(fired, 0, phi) if op.reset == "zero" else phi
    return decay(kept, op.dv) + PHI_ONE


def mean_factor(rule: ThreeFactorRule, one: NeuronRule, op: IntLIF, gathered: Int64Array) -> Int64Array:
    """g of `rate` from K at the end of a sample; 1 for a readout."""
    if op.reset == "none":
        return np.ones_like(gathered)
    return np.minimum(shift(gathered, one.eligibility_exponent), (1 << rule.post_bits) - 1)


class PostFactors:
    """g of the neurons `op`, called `layer`: of each step, or with `rate` of the sample so far."""

    def __init__(self, rule: ThreeFactorRule, layer: str, op: IntLIF) -> None:
        self._rule, self._neurons, self._op = rule, rule.neurons[layer], op
        self._start()

    def _start(self) -> None:
        self._phi = self._gathered = np.zeros((), np.int64)
        self._fired = np.zeros((), np.bool_)

    def after(self, t: int, spikes: Int64Array, potential: Int64Array) -> Int64Array:
        """g after step `t` of a sample, in which the neurons had these spikes and potentials, all `(..., *shape)`."""
        factor = post_factor(self._neurons, self._op, potential)
        if self._rule.rule != "rate":
            return factor
        if t == 0:
            self._start()
        self._phi = eligibility(self._op, self._phi, self._fired)
        self._fired = spikes > 0
        self._gathered = self._rule.accumulator.hold(self._gathered + self._phi * factor)
        return mean_factor(self._rule, self._neurons, self._op, self._gathered)
