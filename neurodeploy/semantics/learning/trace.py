"""The pre-synaptic factor: a decaying trace of what arrives at a group of synapses."""

from __future__ import annotations

from neurodeploy.semantics.fixed_point import Int64Array, decay, shift
from neurodeploy.semantics.learning.rule import SynapseRule, ThreeFactorRule


def pre_trace(
    rule: ThreeFactorRule, synapses: str, trace: Int64Array, arriving: Int64Array
) -> tuple[Int64Array, int]:
    """x[t] from x[t-1] and y[t], all of one shape, and how many values the trace's bits could not hold."""
    one: SynapseRule = rule.synapses[synapses]
    raised = decay(trace, one.trace_decay) + shift(arriving, one.impulse_exponent)
    return rule.trace.hold(raised), rule.trace.overflows(raised)
