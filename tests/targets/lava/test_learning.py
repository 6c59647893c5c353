"""Learning on Lava gives the weights, predictions and snapshots of the rule written in plain Python integers."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from neurodeploy.backend import Learned
from neurodeploy.errors import FitError, InputError, UsageError
from neurodeploy.ir import Delay, Flatten, Graph, IntConv, IntDense, IntInput, IntLIF, IntSynapses, Op, Output
from neurodeploy.learning import default_rule
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import ThreeFactorRule
from neurodeploy.semantics.learning import Homeostasis, NeuronRule, SynapseRule, error_paths
from neurodeploy.targets.engine.target import ENGINE
from neurodeploy.targets.lava import target
from neurodeploy.targets.lava.learning_schedule import learning_schedule
from neurodeploy.targets.lava.target import LAVA
from tests.learning_rules import learn_plainly
from tests.targets.lava.networks import NEEDS_LAVA, chain, changing, neurons, static

RNG = np.random.default_rng


def three_factor(network: Network, *layers: str, **changes: Any) -> ThreeFactorRule:
    """A rule that changes many weights of `layers` (none: the last one); `changes` replace fields."""
    names = layers or tuple(network.graph.sources(network.graph.output))
    paths = error_paths(network.graph, names)
    return ThreeFactorRule(
        {name: SynapseRule(1500, 3, 5, 7, weight_max=100) for name in names},
        {name: factor(network.neurons[name], name == paths.output) for name in paths.neurons},
        **{"margin": 500, "halve_every": 9, "update": "step", "seed": 7, **changes},
    )


def factor(op: IntLIF, output: bool) -> NeuronRule:
    if op.reset == "none":
        return NeuronRule()
    return NeuronRule((4000, 30_000), (3, 1), 0 if output else -3, -4)


def branches(rng: np.random.Generator) -> Network:
    """Two ways of different length from one layer to the output, and a loop through a delay."""
    ops: dict[str, Op] = {
        "x": IntInput((5,), 255.0, 0, 255),
        "a": IntDense(rng.integers(-90, 128, (6, 5)), -5),
        "first": neurons(rng, 6),
        "b": IntDense(rng.integers(-90, 128, (7, 6)), 1),
        "second": neurons(rng, 7),
        "late": Delay((7,), 1),
        "loop": IntDense(rng.integers(-128, 128, (6, 7)), 0),
        "c": IntDense(rng.integers(-128, 128, (4, 7)), 0),
        "skip": IntDense(rng.integers(-128, 128, (4, 6)), -1),
        "third": neurons(rng, 4),
    }
    ways = "x a first b second c third, second late loop first, first skip third"
    edges = [edge for way in ways.split(", ") for edge in pairwise(way.split())]
    return Network(Graph({**ops, "out": Output()}, [*edges, ("third", "out")]), 5, "loihi2")


def convolutional(rng: np.random.Generator) -> Network:
    """Two convolutions, the second with stride and groups, and a dense readout."""
    quiet = {"dv": 3000, "threshold_q": 20_000, "bias_q": 0}
    ops: dict[str, Op] = {
        "x": IntInput((2, 6, 5), 255.0, 0, 255),
        "conv0": IntConv(rng.integers(-90, 128, (4, 2, 3, 3)), -6, (1, 1), (1, 0, 1, 0), (1, 1)),
        "lif0": IntLIF((4, 6, 3), **{**neurons_fields(), **quiet}),
        "conv1": IntConv(rng.integers(-90, 128, (4, 2, 2, 2)), 0, (2, 1), (0, 0, 0, 0), (1, 1), 2),
        "lif1": IntLIF((4, 3, 2), **{**neurons_fields(), **quiet}),
        "flat": Flatten(),
        "fc": IntDense(rng.integers(-128, 128, (3, 24)), 0),
        "lif2": neurons(rng, 3, reset="none", threshold_q=0),
    }
    names = [*ops, "out"]
    edges = list(pairwise(names))
    return Network(Graph({**ops, "out": Output()}, edges), 4, "loihi2")


def neurons_fields() -> dict[str, Any]:
    return {"du": 3000, "reset": "subtract", "compare": "ge"}


def assert_learns(network: Network, rule: ThreeFactorRule, stimulus: Stimulus) -> Learned:
    """Weights after every sample, predictions and changes are those of the reference."""
    labels = RNG(3).integers(0, network.graph.types[network.graph.output].size, stimulus.samples)
    expected = learn_plainly(network, rule, stimulus, labels.tolist())
    seen: dict[int, Learned] = {}
    points = tuple(range(1, stimulus.samples + 1))
    learned = LAVA.learn(network, rule, stimulus, labels, snapshot_at=points, on_snapshot=seen.__setitem__)
    assert sorted(seen) == list(points)
    for count, found in [*seen.items(), (stimulus.samples, learned)]:
        weights = {name: w.ravel().tolist() for name, w in found.state.weights.items()}
        assert weights == expected.weights[count - 1], f"after {count} samples"
        assert found.prediction.tolist() == expected.predictions[:count]
    assert learned.changed == expected.changed
    assert all(w.dtype == np.int8 for w in learned.state.weights.values())
    for name, weight in learned.state.weights.items():
        before = np.clip(network.graph.of(IntSynapses)[name].weight_q, -100, 100)
        assert np.any(weight != before), f"{name} has learned nothing"
    return learned


@pytest.mark.parametrize(
    ("last", "update", "stimulus"),
    [
        ({"reset": "zero", "compare": "gt"}, "sample", static),
        ({"reset": "none", "threshold_q": 0}, "step", changing),
    ],
    ids=["spikes", "readout"],
)
@pytest.mark.lava
@NEEDS_LAVA[1]
def test_the_last_layer(last: dict[str, Any], update: Any, stimulus: Any) -> None:
    rng = RNG(1)
    network = chain(rng, (6, 9, 4), steps=6, last=last)
    learned = assert_learns(network, three_factor(network, update=update), stimulus(rng, network, samples=10))
    assert learned.state.updates == (60 if update == "step" else 10)


@pytest.mark.parametrize(
    "options",
    [
        {"update": "step"},
        {"update": "step", "feedback": "random", "error_delay": 2, "weight_decay": 6},
        {"update": "sample", "feedback": "sign", "homeostasis": Homeostasis(2, 3), "error_delay": 1},
        {"update": "sample", "rule": "rate", "homeostasis": Homeostasis(2, 3)},
    ],
    ids=str,
)
@pytest.mark.lava
@NEEDS_LAVA[1]
def test_all_layers(options: dict[str, Any]) -> None:
    rng = RNG(2)
    network = chain(rng, (6, 9, 8, 4), exponents=(-5, 0, 1))
    rule = three_factor(network, "fc0", "fc1", "fc2", **options)
    assert_learns(network, rule, changing(rng, network, samples=8))


@pytest.mark.parametrize("options", [{"update": "step"}, {"update": "sample", "feedback": "random"}], ids=str)
@pytest.mark.lava
@NEEDS_LAVA[1]
def test_convolutions(options: dict[str, Any]) -> None:
    rng = RNG(3)
    network = convolutional(rng)
    assert_learns(
        network,
        three_factor(network, "conv0", "conv1", "fc", **options),
        static(rng, network, samples=6),
    )


@pytest.mark.parametrize("update", ["step", "sample"])
@pytest.mark.lava
@NEEDS_LAVA[1]
def test_neurons_that_only_feed_themselves(update: str) -> None:
    rng = RNG(5)
    ops: dict[str, Op] = {
        "x": IntInput((5,), 255.0, 0, 255),
        "fc": IntDense(rng.integers(-90, 128, (4, 5)), -5),
        "late": Delay((6,), 1),
        "loop": IntDense(rng.integers(-60, 128, (6, 6)), 0),
        "pace": neurons(rng, 6, bias_q=6000),
        "to": IntDense(rng.integers(-128, 128, (4, 6)), 0),
        "last": neurons(rng, 4),
    }
    edges = [
        edge for way in ("x fc last", "pace late loop pace", "pace to last") for edge in pairwise(way.split())
    ]
    network = Network(Graph({**ops, "out": Output()}, [*edges, ("last", "out")]), 5, "loihi2")
    rule = three_factor(network, "fc", "loop", "to", update=update)
    assert_learns(network, rule, changing(rng, network, samples=6))


@pytest.mark.parametrize("options", [{"update": "step"}, {"update": "sample", "feedback": "sign"}], ids=str)
@pytest.mark.lava
@NEEDS_LAVA[1]
def test_branches_and_loops(options: dict[str, Any]) -> None:
    rng = RNG(12)
    network = branches(rng)
    rule = three_factor(network, "a", "loop", "c", **options)  # b and skip carry errors and stay
    assert_learns(network, rule, changing(rng, network, samples=6))


@pytest.mark.lava
@NEEDS_LAVA[1]
def test_learning_goes_on_from_a_state() -> None:
    rng = RNG(5)
    network = chain(rng, (6, 9, 4), exponents=(-5, 0))
    rule = three_factor(network, "fc0", "fc1", update="sample", homeostasis=Homeostasis(1, 4), halve_every=2)
    given, labels = static(rng, network, 6), np.array([0, 1, 2, 3, 0, 1])
    before = network.graph.replaced({})
    whole = ENGINE.learn(network, rule, given, labels).state
    first = LAVA.learn(network, rule, given.select(slice(3)), labels[:3])
    rest = LAVA.learn(network, rule, given.select(slice(3, None)), labels[3:], start=first.state).state
    assert (rest.updates, set(rest.spikes)) == (whole.updates, {"lif0", "lif1"}) and whole.updates == 6
    for kept, expected in ((rest.weights, whole.weights), (rest.spikes, whole.spikes)):
        for name, values in expected.items():
            np.testing.assert_array_equal(kept[name], values)
    assert np.any(first.state.weights["fc0"] != whole.weights["fc0"])
    assert network.graph == before


def test_a_chain_waits_for_its_errors() -> None:
    network = chain(RNG(0), (6, 9, 8, 7, 4), exponents=(0,) * 4)
    graph, every = network.graph, ("fc0", "fc1", "fc2", "fc3")
    made = learning_schedule(graph, three_factor(network, *every))
    assert dict(made.late) == {"lif3": 0, "lif2": 1, "lif1": 2, "lif0": 3}
    assert (made.forward.period, made.pause) == (7, 0)
    assert [made.lag(name) for name in ("lif0", "lif1", "lif2", "lif3")] == [6, 4, 2, 0]
    once = learning_schedule(graph, three_factor(network, *every, update="sample"))
    assert (once.forward.period, once.pause) == (1, 6)
    last = learning_schedule(graph, three_factor(network))
    assert (last.forward.period, last.pause) == (1, 0)


def test_a_shorter_way_back_waits_for_the_longer() -> None:
    network = branches(RNG(0))
    made = learning_schedule(network.graph, three_factor(network, "a"))
    waits = {group.synapses: made.wait(group) for group in made.paths.back["first"]}
    assert waits == {"b": 0, "skip": 1}


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
        LAVA.learn(network, three_factor(network), static(rng, network, 3), np.array(labels))


def test_an_error_delay_that_no_error_survives_is_refused_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(target, "finished", None)
    rng = RNG(5)
    network = chain(rng, (6, 9, 4))
    rule = three_factor(network, error_delay=network.steps + 1)
    with pytest.raises(UsageError, match="error_delay 6 with 5 time steps: no error arrives in time"):
        LAVA.learn(network, rule, static(rng, network, 3), np.array([0, 1, 2]))


@pytest.mark.lava
@NEEDS_LAVA[1]
@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"error_bits": 32}, "layer 'lif1': modulated errors can reach 6442450941;"),
        (
            {"error_bits": 24, "feedback": "random"},
            r"layer 'fc1': errors that come back through it, doubled, can reach \d+; .*use fewer error_bits",
        ),
    ],
)
def test_errors_beyond_lavas_integers_are_refused(options: dict[str, Any], problem: str) -> None:
    rng = RNG(5)
    network = chain(rng, (6, 9, 4))
    rule = three_factor(network, "fc0", "fc1", **options)
    with pytest.raises(FitError, match=problem):
        LAVA.learn(network, rule, static(rng, network, 3), np.array([0, 1, 2]))


@pytest.mark.lava
@NEEDS_LAVA[1]
def test_the_default_rule_with_a_narrow_input() -> None:
    rng = RNG(6)
    network = chain(rng, (6, 9, 4), exponents=(3, 0), low=-1)
    small = replace(network.input, high=1)
    network = replace(network, graph=network.graph.replaced({"x": small}))
    rule = default_rule(network, layers="all")
    given = changing(rng, network, samples=5)
    labels = np.arange(5) % 4
    expected = learn_plainly(network, rule, given, labels.tolist())
    learned = LAVA.learn(network, rule, given, labels)
    assert {n: w.ravel().tolist() for n, w in learned.state.weights.items()} == expected.weights[-1]
