"""How large the numbers of the rule can become, whatever the weights learn: what exact arithmetic has to hold."""

from __future__ import annotations

from neurodeploy.errors import FitError
from neurodeploy.ir.graph import Graph
from neurodeploy.ir.ops import IntConv, IntLIF, IntSynapses
from neurodeploy.semantics import bounds
from neurodeploy.semantics.learning.paths import ErrorPaths, Group
from neurodeploy.semantics.learning.rule import ThreeFactorRule
from neurodeploy.semantics.neurons import Registers

LARGEST_WEIGHT = 128
"""Largest magnitude of a weight of 8 bits; feedback weights, whichever, are no larger."""


def largest_modulated(graph: Graph, rule: ThreeFactorRule, neurons: str) -> int:
    """Largest |m| of a layer of neurons."""
    if graph.of(IntLIF)[neurons].reset == "none":
        return 1
    levels = rule.neurons[neurons].levels
    factor = (1 << rule.post_bits) - 1 if rule.rule == "rate" else max(levels, default=0)
    return rule.error.high * factor


def largest_back(graph: Graph, rule: ThreeFactorRule, group: Group) -> int:
    """Largest magnitude of any partial sum of B^T m of a group, in any order of summation."""
    op = graph.of(IntSynapses)[group.synapses]
    groups = op.groups if isinstance(op, IntConv) else 1
    terms = int(op.weight_q.size) // op.weight_q.shape[1] // groups
    largest: int = LARGEST_WEIGHT * terms * largest_modulated(graph, rule, group.target)
    return largest


def back_exponent(graph: Graph, group: Group, beside: tuple[Group, ...]) -> int:
    """E_k - E: by how much the exponent of a group exceeds the least `beside` it."""
    ops = graph.of(IntSynapses)
    return ops[group.synapses].exponent - min(ops[g.synapses].exponent for g in beside)


def require_exact_errors(
    graph: Graph, registers: Registers, rule: ThreeFactorRule, paths: ErrorPaths, steps: int
) -> None:
    """Raise `FitError` for errors that may be too large for exact arithmetic in a sample of `steps` time steps.

    What comes back to a layer of neurons, the groups' 2^(E_k - E) B^T m and homeostasis added up and shifted, must
    stay below 2^53.
    """
    for name, groups in paths.back.items():
        back = sum(largest_back(graph, rule, g) << back_exponent(graph, g, groups) for g in groups)
        total = back + _largest_homeostasis(graph.of(IntLIF)[name], registers, rule, steps)
        shifted = total << max(rule.neurons[name].error_exponent, 0)
        if shifted >= bounds.EXACT_FLOAT64:
            raise FitError(
                f"layer '{name}': errors that come back to it can reach {shifted}; they are exact below "
                f"{bounds.EXACT_FLOAT64} (2^53). Use fewer error_bits or post_bits"
            )


def _largest_homeostasis(op: IntLIF, registers: Registers, rule: ThreeFactorRule, steps: int) -> int:
    """Largest |h|: of neurons that never fire, or in every step as often as they can."""
    home = rule.homeostasis
    if home is None:
        return 0
    return max(home.target, steps * bounds.most_spikes(op, registers) - home.target) << home.exponent
