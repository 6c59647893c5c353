"""Learning rules for tests: drawn by hypothesis, and what the reference in plain Python learns with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from neurodeploy.errors import UnsupportedError
from neurodeploy.ir import IntLIF, IntSynapses
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import ThreeFactorRule
from neurodeploy.semantics.learning import Homeostasis, NeuronRule, SynapseRule, error_paths
from neurodeploy.semantics.learning.reference import Learner


def learnable(network: Network) -> tuple[str, ...]:
    """The groups of synapses that can learn."""
    found = []
    for name in network.graph.of(IntSynapses):
        try:
            error_paths(network.graph, [name])
        except UnsupportedError:
            continue
        found.append(name)
    return tuple(found)


@st.composite
def rules(draw: Callable[..., Any], network: Network) -> ThreeFactorRule:
    """Any rule for one or more of the groups of `network` that can learn."""
    names = learnable(network)
    chosen = draw(st.lists(st.sampled_from(names), min_size=1, max_size=len(names), unique=True))
    kind = draw(st.sampled_from(["ottt", "ottt", "rate"]))
    paths = error_paths(network.graph, chosen)
    return ThreeFactorRule(
        synapses={name: draw(synapse_rules()) for name in chosen},
        neurons={name: draw(neuron_rules(network.neurons[name])) for name in paths.neurons},
        rule=kind,
        update=draw(st.sampled_from(["step", "sample"])) if kind == "ottt" else "sample",
        feedback=draw(st.sampled_from(["symmetric", "sign", "random"])),
        error_delay=draw(st.integers(0, network.steps - 1)) if kind == "ottt" else 0,
        margin=draw(st.sampled_from([0, 100, 10_000])),
        halve_every=draw(st.sampled_from([1, 3, 1000])),
        weight_decay=draw(st.sampled_from([None, None, 1, 3])),
        homeostasis=draw(st.none() | st.builds(Homeostasis, st.integers(0, 3), st.integers(0, 8))),
        trace_bits=draw(st.sampled_from([3, 7, 12])),
        post_bits=7,
        error_bits=draw(st.sampled_from([3, 8, 16])),
        accumulator_bits=draw(st.sampled_from([8, 12, 24])),
        seed=draw(st.integers(0, 2**63 - 1)),
    )


def synapse_rules() -> st.SearchStrategy[SynapseRule]:
    return st.builds(
        lambda decay, impulse, shift, more, end: SynapseRule(decay, impulse, shift, shift + more, end),
        st.sampled_from([0, 1, 2048, 4096]) | st.integers(0, 4096),
        st.integers(-6, 6),
        st.integers(0, 8),
        st.integers(0, 2),
        st.sampled_from([7, 100, 127]),
    )


@st.composite
def neuron_rules(draw: Callable[..., Any], op: IntLIF) -> NeuronRule:
    exponents = draw(st.integers(-9, 1)), draw(st.integers(-12, 0))
    if op.reset == "none":
        return NeuronRule((), (), *exponents)
    edges = draw(st.lists(st.integers(0, 100_000), min_size=1, max_size=4, unique=True).map(sorted))
    levels = draw(st.lists(st.integers(0, 127), min_size=len(edges), max_size=len(edges)))
    return NeuronRule(tuple(edges), tuple(levels), *exponents)


@dataclass
class PlainlyLearned:
    """What the reference learned: weights flat by group after each sample, predictions, number of changes."""

    weights: list[dict[str, list[int]]] = field(default_factory=list)
    predictions: list[int] = field(default_factory=list)
    changed: int = 0


def learn_plainly(
    network: Network, rule: ThreeFactorRule, given: Stimulus, labels: list[int]
) -> PlainlyLearned:
    """All samples, one after the other, in plain Python integers."""
    learner, found = Learner(network.graph, network.registers, rule), PlainlyLearned()
    for n, label in enumerate(labels):
        frames = [given.frame(t)[n].ravel().tolist() for t in range(given.steps)]
        found.predictions.append(learner.present(frames, label))
        found.weights.append({name: list(learner.weights[name]) for name in rule.synapses})
    found.changed = learner.changed
    return found
