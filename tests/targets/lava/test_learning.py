"""Learning on Lava gives the weights, predictions and snapshots of the rule written as a plain loop."""

from typing import Any

import numpy as np
import pytest

from neurodeploy.backend import Learned
from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.learning import default_rule
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import ThreeFactorRule
from neurodeploy.semantics.learning import NeuronRule, SynapseRule
from neurodeploy.targets.lava import target
from neurodeploy.targets.lava.target import LAVA
from tests.learning_rules import learn_plainly
from tests.targets.lava.networks import NEEDS_LAVA, chain, changing, static

RNG = np.random.default_rng


def three_factor(
    network: Network, synapses: dict[str, int], window: int = 4000, **changes: Any
) -> ThreeFactorRule:
    """A rule for the last layer that changes many weights; `synapses` and `changes` replace fields."""
    output = network.graph.output
    factor = NeuronRule() if network.neurons[output].reset == "none" else NeuronRule((window,), (1,))
    fields = {"trace_decay": 1500, "impulse_exponent": 5, "rate_shift": 5, "rate_shift_end": 5} | synapses
    return ThreeFactorRule(
        {network.graph.sources(output)[0]: SynapseRule(**fields)},
        {output: factor},
        **{"margin": 500, "halve_every": 1000, "update": "step", **changes},
    )


def assert_learns(
    network: Network, rule: ThreeFactorRule, stimulus: Stimulus, snapshot_at: tuple[int, ...]
) -> None:
    """Weights after each of these samples, predictions and changes are those of the reference."""
    labels = RNG(3).integers(0, network.graph.types[network.graph.output].size, stimulus.samples)
    expected = learn_plainly(network, rule, stimulus, labels.tolist())
    seen: dict[int, Learned] = {}
    learned = LAVA.learn(
        network, rule, stimulus, labels, snapshot_at=snapshot_at, on_snapshot=seen.__setitem__
    )
    (layer,) = rule.synapses
    assert learned.state.weights[layer].ravel().tolist() == expected.weights[-1][layer]
    assert learned.state.weights[layer].dtype == np.int8
    assert learned.prediction.tolist() == expected.predictions
    assert learned.changed == expected.changed > 0
    assert sorted(seen) == sorted(set(snapshot_at))
    for count, found in seen.items():
        assert found.state.weights[layer].ravel().tolist() == expected.weights[count - 1][layer]
        assert found.prediction.tolist() == expected.predictions[:count]


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
    rule = three_factor(
        network, {"weight_max": 100, "rate_shift_end": 7}, update=update, seed=7, halve_every=9
    )
    assert_learns(network, rule, stimulus(rng, network, samples=12), snapshot_at=(5, 1, 12))


@pytest.mark.lava
@NEEDS_LAVA[1]
def test_exponent_three_layers_and_one_step_a_sample() -> None:
    rng = RNG(2)
    network = chain(rng, (6, 9, 8, 3), exponents=(-5, 0, 2), steps=1, du=4096, threshold_q=2000)
    rule = three_factor(network, {"trace_decay": 0, "impulse_exponent": 6, "rate_shift": 3}, window=1 << 20)
    assert_learns(network, rule, static(rng, network, samples=20), snapshot_at=())


@pytest.mark.lava
@NEEDS_LAVA[1]
def test_the_network_given_stays_as_it_is() -> None:
    rng = RNG(4)
    network = chain(rng, (6, 9, 4))
    before = network.graph.replaced({})
    LAVA.learn(network, three_factor(network, {}), static(rng, network, 3), np.array([0, 1, 2]))
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
        LAVA.learn(network, three_factor(network, {}), static(rng, network, 3), np.array(labels))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"layers": "all"}, "on lava only the last layer learns"),
        ({"rule": "rate"}, "no rule 'rate', error delay"),
        ({"error_delay": 1}, "no rule 'rate', error delay"),
        ({"layers": ("fc0",)}, "on lava only the last layer learns"),
    ],
)
def test_what_lava_cannot_learn_is_refused(options: dict[str, Any], problem: str) -> None:
    rng = RNG(5)
    network = chain(rng, (6, 9, 4))
    with pytest.raises(UnsupportedError, match=problem):
        LAVA.learn(network, default_rule(network, **options), static(rng, network, 3), np.array([0, 1, 2]))
