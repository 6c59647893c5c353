"""The post factor of a layer of neurons, step after step."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurodeploy.ir import IntLIF
from neurodeploy.semantics import ThreeFactorRule
from neurodeploy.semantics.fixed_point import Int64Array
from neurodeploy.semantics.learning import eligibility, mean_factor, post_factor


class PostFactors:
    """g of the neurons `op`, called `layer`: of each step, or with `rate` of the sample so far."""

    def __init__(self, rule: ThreeFactorRule, layer: str, op: IntLIF) -> None:
        self._rule, self._neurons, self._op = rule, rule.neurons[layer], op
        self._start()

    def _start(self) -> None:
        self._phi: Int64Array = np.zeros(self._op.shape, np.int64)
        self._gathered, self._fired = self._phi, self._phi > 0

    def after(self, t: int, spikes: Any, potential: Any) -> Int64Array:
        """g `shape` after step `t` of a sample, in which the neurons had these spikes and potentials, `shape` int64."""
        factor = post_factor(self._neurons, self._op, potential)
        if self._rule.rule != "rate":
            return factor
        if t == 0:
            self._start()
        self._phi = eligibility(self._op, self._phi, self._fired)
        self._fired = spikes > 0
        self._gathered = self._rule.accumulator.hold(self._gathered + self._phi * factor)
        return mean_factor(self._rule, self._neurons, self._op, self._gathered)


def error_is_due(rule: ThreeFactorRule, t: int, steps: int) -> bool:
    """True where step `t` of a sample of `steps` has an error: every one, the last with `rate`."""
    return rule.rule != "rate" or t == steps - 1
