"""What a rule asks of the chip's learning engine that its description does not offer."""

from __future__ import annotations

from neurodeploy.chip import load_chip
from neurodeploy.errors import NeurodeployError
from neurodeploy.network import Network, Note
from neurodeploy.semantics import ThreeFactorRule


def beyond_chip(network: Network, rule: ThreeFactorRule) -> tuple[Note, ...]:
    """A note for each width of the rule that exceeds the chip's, or that the chip does not state.

    Learning itself runs with the rule's own widths.
    """
    where = next(iter(rule.synapses))
    try:
        limits = load_chip(network.target).learning
    except NeurodeployError:
        return (
            Note(where, f"target '{network.target}' is no chip with a description: learning not checked"),
        )
    found = []
    for name, limit, needed in (
        ("pre_traces", limits.pre_traces, 1),
        ("trace_bits", limits.trace_bits, rule.trace_bits),
        ("accumulator_bits", limits.accumulator_bits, rule.accumulator_bits),
    ):
        if limit.value is None:
            found.append(f"{name} of {network.target} is unknown ({limit.source}): not checked")
        elif needed > limit.value:
            found.append(
                f"learning needs {name} {needed}, but {network.target} has {limit.value} ({limit.source})"
            )
    return tuple(Note(where, what) for what in found)
