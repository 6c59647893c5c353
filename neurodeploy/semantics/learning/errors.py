"""The third factor: what the output should have done, and what that means for the layers before it."""

from __future__ import annotations

import numpy as np

from neurodeploy.ir.ops import IntLIF
from neurodeploy.semantics.fixed_point import Int64Array, shift
from neurodeploy.semantics.learning.rule import NeuronRule, ThreeFactorRule


def output_error(
    rule: ThreeFactorRule, one: NeuronRule, op: IntLIF, score: Int64Array, label: Int64Array, weight: int = 1
) -> tuple[Int64Array, int]:
    """e of the output, `(B, *shape)`, and how many errors did not fit.

    `score` `(B, *shape)` holds spikes (potentials of a readout) of one step with `weight` 1, or their sums over a
    sample with `weight` T; `label` `(B,)` int64. Raises `IndexError` for a label that is no neuron.
    """
    flat = score.reshape(len(score), -1)
    rows = np.arange(len(flat))
    target = np.zeros_like(flat)
    target[rows, label] = 1
    if op.reset == "none":
        winner = np.zeros_like(flat)
        winner[rows, np.argmax(flat - weight * rule.margin * target, axis=1)] = 1
        return (winner - target).reshape(score.shape), 0
    raw = (flat - weight * target).reshape(score.shape)
    return _held(rule, shift(raw, one.error_exponent) if rule.rule == "rate" else raw)


def hidden_error(
    rule: ThreeFactorRule, one: NeuronRule, back: Int64Array, spikes_before: Int64Array | None = None
) -> tuple[Int64Array, int]:
    """e of a layer from all that came back to it (see `sent_back`), and how many errors did not fit.

    `spikes_before`, of the shape of `back`: how often each neuron fired in the sample before, None in the first;
    used by homeostasis.
    """
    home, total = rule.homeostasis, back
    if home is not None and spikes_before is not None:
        total = back + shift(spikes_before - home.target, home.exponent)
    return _held(rule, shift(total, one.error_exponent))


def _held(rule: ThreeFactorRule, raw: Int64Array) -> tuple[Int64Array, int]:
    return rule.error.hold(raw), rule.error.overflows(raw)
