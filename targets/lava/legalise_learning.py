"""Limits of Lava's integers on the way back: errors travel on the same 32-bit channels as spikes.

1. A modulated error fits the channel.
2. So does what comes back through a group of synapses, doubled where Lava's own process computes it, in units of the
   group with the least exponent.
3. What neurons add up is exact, see `neurodeploy.semantics.learning.limits`.
"""

from __future__ import annotations

from neurodeploy.network import Network
from neurodeploy.semantics import ThreeFactorRule
from neurodeploy.semantics.learning import (
    Group,
    back_exponent,
    error_paths,
    largest_back,
    largest_modulated,
    require_exact_errors,
)
from neurodeploy.targets.lava.legalise import fits

REMEDY = "use fewer error_bits or post_bits"


def legalise_learning(network: Network, rule: ThreeFactorRule, steps: int) -> None:
    """Raise `FitError` where an error of a sample of `steps` could pass Lava's integers; whatever weights become."""
    graph = network.graph
    paths = error_paths(graph, rule.synapses)
    for name in paths.neurons:
        fits(name, "modulated errors", largest_modulated(graph, rule, name), REMEDY)  # rule 1
    for groups in paths.back.values():
        for group in groups:
            doubled = 1 if follows(rule, group) else 2
            what = "errors that come back through it" + (", doubled," if doubled == 2 else "")
            largest = largest_back(graph, rule, group) << back_exponent(graph, group, groups)
            fits(group.synapses, what, doubled * largest, REMEDY)  # rule 2
    require_exact_errors(graph, network.registers, rule, paths, steps)  # rule 3


def follows(rule: ThreeFactorRule, group: Group) -> bool:
    """True where the feedback weights of a group change with its own, which learn."""
    return group.synapses in rule.synapses and rule.feedback != "random"
