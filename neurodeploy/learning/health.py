"""Whether learning did anything: rates that change nothing or everything, numbers that met their ends."""

from __future__ import annotations

from neurodeploy.backend import Learned
from neurodeploy.learning.limits import beyond_chip
from neurodeploy.network import Network, Note
from neurodeploy.semantics import ThreeFactorRule
from neurodeploy.semantics.learning import LayerStatistics

LEAST_CHANGED = 0.001
MOST_CLIPPED = 0.5
MOST_SATURATED = 0.05


def advice(network: Network, rule: ThreeFactorRule, done: Learned) -> tuple[Note, ...]:
    """One note for each thing that is wrong in a learning group, with its numbers; and what the chip lacks."""
    notes = [
        Note(name, text)
        for name, one in (done.statistics or {}).items()
        for text in _findings(rule, name, one)
    ]
    return (*notes, *beyond_chip(network, rule))


def _findings(rule: ThreeFactorRule, name: str, one: LayerStatistics) -> list[str]:
    shift = rule.synapses[name].rate_shift
    found = []
    if not one.asked:
        found.append(
            f"learning asked for no change in {one.updates} updates: errors, post factors or traces were 0 throughout"
        )
    elif one.changed < LEAST_CHANGED * one.asked:
        found.append(
            f"the learning rate rounds {_share(one.asked - one.changed, one.asked)} of the updates to zero "
            f"({one.changed} of {one.asked} changed a weight); lower --lr-shift (the rate is 2^-{shift} now)"
        )
    if one.asked and one.clipped > MOST_CLIPPED * one.asked:
        found.append(
            f"{_share(one.clipped, one.asked)} of the updates ended at the end of the weight grid, "
            f"+-{rule.synapses[name].weight_max}; raise --lr-shift (the rate is 2^-{shift} now)"
        )
    if one.errors_saturated > MOST_SATURATED * one.errors:
        found.append(
            f"{_share(one.errors_saturated, one.errors)} of its neurons' errors saturated at {rule.error_bits} bits"
        )
    if one.traces_saturated:
        found.append(f"{one.traces_saturated} traces saturated at {rule.trace_bits} bits")
    if one.accumulators_saturated:
        found.append(f"{one.accumulators_saturated} sums saturated at {rule.accumulator_bits} bits")
    return found


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"
