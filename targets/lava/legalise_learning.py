"""Limits of Lava's integers on the way back: errors travel on the same 32-bit channels as spikes.

1. A modulated error fits the channel.
2. So does what comes back through a group of synapses, doubled where Lava's own process computes it, in units of the
   group with the least exponent.
"""

from __future__ import annotations

from neurodeploy.ir import Graph, IntConv, IntSynapses
from neurodeploy.network import Network
from neurodeploy.semantics import ThreeFactorRule
from neurodeploy.semantics.learning import Group, error_paths
from neurodeploy.targets.lava.legalise import fits

REMEDY = "use fewer error_bits or post_bits"


def legalise_learning(network: Network, rule: ThreeFactorRule) -> None:
    """Raise `FitError` where an error could pass Lava's integers; whatever the weights become."""
    graph = network.graph
    paths = error_paths(graph, rule.synapses)
    for name in paths.neurons:
        fits(name, "modulated errors", largest_modulated(network, rule, name), REMEDY)  # rule 1
    for groups in paths.back.values():
        for group in groups:
            doubled = 1 if follows(rule, group) else 2
            what = "errors that come back through it" + (", doubled," if doubled == 2 else "")
            fits(group.synapses, what, doubled * largest_back(network, rule, group, groups), REMEDY)  # rule 2


def follows(rule: ThreeFactorRule, group: Group) -> bool:
    """True where the feedback weights of a group change with its own, which learn."""
    return group.synapses in rule.synapses and rule.feedback != "random"


def largest_modulated(network: Network, rule: ThreeFactorRule, neurons: str) -> int:
    """Largest |m| of a layer of neurons."""
    if network.neurons[neurons].reset == "none":
        return 1
    levels = rule.neurons[neurons].levels
    factor = (1 << rule.post_bits) - 1 if rule.rule == "rate" else max(levels, default=0)
    return rule.error.high * factor


def largest_back(network: Network, rule: ThreeFactorRule, group: Group, beside: tuple[Group, ...]) -> int:
    """Largest |2^(E_k - E) B^T m| of a group, `beside` the others that lead back to the same neurons."""
    op = network.graph.of(IntSynapses)[group.synapses]
    groups = op.groups if isinstance(op, IntConv) else 1
    terms = int(op.weight_q.size) // op.weight_q.shape[1] // groups
    largest: int = 128 * terms * largest_modulated(network, rule, group.target)
    return largest << back_exponent(network.graph, group, beside)


def back_exponent(graph: Graph, group: Group, beside: tuple[Group, ...]) -> int:
    """E_k - E: by how much the exponent of a group exceeds the least `beside` it."""
    ops = graph.of(IntSynapses)
    return ops[group.synapses].exponent - min(ops[g.synapses].exponent for g in beside)
