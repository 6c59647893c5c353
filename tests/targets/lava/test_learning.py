"""Learning on Lava gives the weights, predictions and snapshots of the rule written as a plain loop."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from neurodeploy.errors import InputError
from neurodeploy.ir import IntDense
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import State, ThreeFactorRule, learning, shift, step
from neurodeploy.semantics.reference import run_sample
from neurodeploy.targets.lava import target
from neurodeploy.targets.lava.target import LAVA
from tests.targets.lava.networks import NEEDS_LAVA, chain, changing, static

RNG = np.random.default_rng


def three_factor(**changes: Any) -> ThreeFactorRule:
    """A rule that changes many weights; `changes` replaces fields."""
    fields: dict[str, Any] = {
        "trace_decay": 1500,
        "impulse": 40,
        "window": 4000,
        "margin": 500,
        "rate_shift": 5,
        "rate_shift_end": 5,
        "halve_every": 1000,
        "update": "step",
    }
    return ThreeFactorRule(**{**fields, **changes})


@dataclass
class Expected:
    """The rule's results after each sample."""

    predictions: list[int] = field(default_factory=list)
    weights: list[Any] = field(default_factory=list)
    changed: int = 0


def plain_loop(network: Network, rule: ThreeFactorRule, stimulus: Stimulus, labels: Any) -> Expected:
    """One sample after the other, one step after the other, with `semantics.learning`."""
    source, op = list(network.neurons)[-2], network.neurons[network.graph.output]
    dense = list(network.graph.of(IntDense).values())[-1]
    expected, weight, updates = Expected(), dense.weight_q.astype(np.int64), 0
    for i, label in enumerate(labels):
        frames = [stimulus.frame(t)[i].ravel().tolist() for t in range(stimulus.steps)]
        hidden = np.array(run_sample(network.graph, network.registers, frames).spikes[source])
        state, score = State.start(op), np.zeros(op.shape, np.int64)
        trace, gradient = np.zeros(weight.shape[1], np.int64), np.zeros_like(weight)
        for t, spikes in enumerate(hidden):
            done = step(op, network.registers, state, shift(weight @ spikes, dense.exponent))
            state = done.state
            score = done.potential if op.reset == "none" else score + done.spikes
            trace = learning.pre_trace(rule, trace, spikes)
            error = learning.modulated_error(rule, op, done.spikes, done.potential, int(label))
            gradient = learning.accumulate(gradient, error, trace)
            if rule.update == "step" or t == stimulus.steps - 1:
                after = learning.updated(rule, weight, gradient, updates)
                expected.changed += int((after != weight).sum())
                weight, gradient, updates = after, np.zeros_like(weight), updates + 1
        expected.predictions.append(int(np.argmax(score)))
        expected.weights.append(weight)
    return expected


def assert_learns(
    network: Network, rule: ThreeFactorRule, stimulus: Stimulus, snapshot_at: tuple[int, ...]
) -> None:
    labels = RNG(3).integers(0, network.graph.types[network.graph.output].size, stimulus.samples)
    expected = plain_loop(network, rule, stimulus, labels)
    learned = LAVA.learn(network, rule, stimulus, labels, snapshot_at=snapshot_at)
    np.testing.assert_array_equal(learned.weight_q, expected.weights[-1])
    assert learned.weight_q.dtype == np.int8
    assert learned.prediction.tolist() == expected.predictions
    assert learned.changed == expected.changed > 0
    assert sorted(learned.snapshots) == sorted(set(snapshot_at))
    for count, weights in learned.snapshots.items():
        np.testing.assert_array_equal(weights, expected.weights[count - 1])


@pytest.mark.parametrize("update", ["step", "sample"])
@pytest.mark.parametrize(
    "last", [{}, {"reset": "zero", "compare": "gt"}, {"reset": "none", "threshold_q": 0}], ids=str
)
@pytest.mark.parametrize("stimulus", [static, changing])
@pytest.mark.lava
@NEEDS_LAVA[1]
def test_rule(update: Any, last: dict[str, Any], stimulus: Any) -> None:
    rng = RNG(1)
    network = chain(rng, (6, 9, 4), steps=6, last=last)
    rule = three_factor(update=update, weight_max=100, seed=7, halve_every=9, rate_shift_end=7)
    assert_learns(network, rule, stimulus(rng, network, samples=12), snapshot_at=(5, 1, 12))


@pytest.mark.lava
@NEEDS_LAVA[1]
def test_exponent_three_layers_and_one_step_a_sample() -> None:
    rng = RNG(2)
    network = chain(rng, (6, 9, 8, 3), exponents=(-5, 0, 2), steps=1, du=4096, threshold_q=2000)
    rule = three_factor(trace_decay=0, impulse=64, window=1 << 20, rate_shift=3)
    assert_learns(network, rule, static(rng, network, samples=20), snapshot_at=())


@pytest.mark.lava
@NEEDS_LAVA[1]
def test_the_network_given_stays_as_it_is() -> None:
    rng = RNG(4)
    network = chain(rng, (6, 9, 4))
    before = network.graph.replaced({})
    LAVA.learn(network, three_factor(), static(rng, network, 3), np.array([0, 1, 2]))
    assert network.graph == before


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        ([0, 4, 1], "label 4 of sample 1 is out of range"),
        ([0, -1, 1], "label -1"),
        ([0, 1], "2 labels for 3 samples"),
    ],
)
def test_wrong_labels_are_refused_before_anything_runs(
    labels: list[int], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(target, "finished", None)
    rng = RNG(5)
    network = chain(rng, (6, 9, 4))
    with pytest.raises(InputError, match=problem):
        LAVA.learn(network, three_factor(), static(rng, network, 3), np.array(labels))
