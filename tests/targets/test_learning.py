from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from neurodeploy.backend import Learned, LearningBackend, get_backend
from neurodeploy.errors import FitError, InputError, UsageError
from neurodeploy.ir import Delay, Graph, IntDense, IntInput, IntLIF, Output
from neurodeploy.learning import default_rule, with_weights
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import ThreeFactorRule
from neurodeploy.semantics.learning import (
    Homeostasis,
    LearningState,
    NeuronRule,
    SynapseRule,
    initial_state,
)
from neurodeploy.targets.engine import run as engine_run
from neurodeploy.targets.engine.learn import learn_streams
from tests.learning_rules import learn_plainly, learnable, rules
from tests.nets import chain, networks, reference, stimulus


def engine() -> LearningBackend:
    backend = get_backend("engine")
    assert isinstance(backend, LearningBackend)
    return backend


def assert_equals_reference(
    network: Network, rule: ThreeFactorRule, given_: Stimulus, labels: np.ndarray
) -> None:
    seen: dict[int, Learned] = {}
    points = tuple(range(1, given_.samples + 1))
    done = engine().learn(network, rule, given_, labels, snapshot_at=points, on_snapshot=seen.__setitem__)
    expected = learn_plainly(network, rule, given_, labels.tolist())
    for n, weights in enumerate(expected.weights, 1):
        found = {name: w.ravel().tolist() for name, w in seen[n].state.weights.items()}
        assert found == weights, f"after {n} samples"
    assert (done.prediction.tolist(), done.changed) == (expected.predictions, expected.changed)


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_engine_equals_plain_python(data: Any) -> None:
    network = data.draw(networks(wide=False))
    assume(learnable(network))
    rule = data.draw(rules(network))
    draw = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    given_ = stimulus(network, draw, 4, data.draw(st.booleans()))
    labels = draw.integers(0, network.graph.types[network.graph.output].size, 4)
    try:
        assert_equals_reference(network, rule, given_, labels)
    except FitError:
        assume(False)


def case(samples: int = 8, **options: Any) -> tuple[Network, ThreeFactorRule, Stimulus, np.ndarray]:
    network = chain((6, 7, 4))
    given_ = stimulus(network, np.random.default_rng(5), samples)
    return network, default_rule(network, **options), given_, np.arange(samples) % 4


def same(one: LearningState, other: LearningState) -> bool:
    weights = all(np.array_equal(one.weights[n], w) for n, w in other.weights.items())
    return weights and one.updates == other.updates


@pytest.mark.parametrize("update", ["step", "sample"])
@pytest.mark.parametrize("readout", [True, False])
@pytest.mark.parametrize("static", [True, False])
def test_default_rules_equal_plain_python(update: Any, readout: bool, static: bool) -> None:
    network = chain((6, 7, 5, 4), readout=readout, steps=3)
    given_ = stimulus(network, np.random.default_rng(2), 6, static)
    rule = replace(default_rule(network, update, seed=3, layers="all"), halve_every=4)
    assert_equals_reference(network, rule, given_, np.arange(6) % 4)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = engine().learn(*case())
    monkeypatch.setattr(engine_run, "CHUNK_ELEMENTS", 3 * 7 * 4)
    parts = engine().learn(*case())
    assert same(parts.state, whole.state)
    np.testing.assert_array_equal(parts.prediction, whole.prediction)


@pytest.mark.parametrize(
    "options", [{"layers": "all"}, {"layers": "all", "rule": "rate", "feedback": "random"}], ids=str
)
@pytest.mark.parametrize("update", ["sample", "step"])
def test_streams_are_each_alone(options: dict[str, Any], update: Any) -> None:
    if options.get("rule") == "rate" and update == "step":
        return
    network, rule, _, _ = case(update=update, homeostasis=Homeostasis(1, 3), weight_decay=6, **options)
    draw = np.random.default_rng(1)
    stimuli = [stimulus(network, draw, 9) for _ in range(3)]
    labels, seeds = list(draw.integers(0, 4, (3, 9))), [4, 5, 6]
    together = learn_streams(network, rule, stimuli, labels, seeds)
    total = 0
    for b, seed in enumerate(seeds):
        alone = engine().learn(network, replace(rule, seed=seed), stimuli[b], labels[b])
        assert same(together.states[b], alone.state)
        np.testing.assert_array_equal(together.prediction[b], alone.prediction)
        total += alone.changed
    assert sum(one.changed for one in together.statistics.values()) == total > 0


def test_seeds_decide_and_repeat() -> None:
    network, rule, given_, labels = case(layers="all")
    first, again, other = (
        engine().learn(network, replace(rule, seed=seed), given_, labels).state for seed in (1, 1, 2)
    )
    assert same(first, again)
    assert not same(first, other)


def test_learning_goes_on_from_a_state() -> None:
    network, rule, given_, labels = case(layers="all", homeostasis=Homeostasis(1, 3))
    whole = engine().learn(network, rule, given_, labels)
    first = engine().learn(network, rule, given_.select(slice(3)), labels[:3])
    rest = engine().learn(network, rule, given_.select(slice(3, None)), labels[3:], start=first.state)
    assert same(rest.state, whole.state)
    np.testing.assert_array_equal(np.concatenate([first.prediction, rest.prediction]), whole.prediction)


def test_snapshots_are_what_fewer_samples_give() -> None:
    network, rule, given_, labels = case()
    seen: dict[int, Learned] = {}
    done = engine().learn(network, rule, given_, labels, snapshot_at=(3, 8), on_snapshot=seen.__setitem__)
    first = engine().learn(network, rule, given_.select(slice(3)), labels[:3])
    assert set(seen) == {3, 8}
    assert same(seen[3].state, first.state) and same(seen[8].state, done.state)
    assert seen[3].prediction.tolist() == first.prediction.tolist()


def test_an_error_delay_that_no_error_survives_is_refused() -> None:
    network, rule, given_, labels = case(layers="all")
    with pytest.raises(UsageError, match="error_delay 5 with 4 time steps: no error arrives in time"):
        engine().learn(network, replace(rule, error_delay=5), given_, labels)
    short = replace(given_, x=given_.x[:2], steps=2)
    with pytest.raises(UsageError, match=r"error_delay 2 with 2 time steps: .* It must be at most 1"):
        engine().learn(network, replace(rule, error_delay=2), short, labels)


def test_prediction_is_made_before_learning() -> None:
    network, rule, given_, labels = case(layers="all")
    first = engine().learn(network, rule, given_.select(slice(3)), labels[:3])
    done = engine().learn(network, rule, given_, labels)
    before = with_weights(network, first.state.weights)
    expected = get_backend("onnxruntime").run(before, given_.select(slice(3, 4))).prediction[0]
    assert done.prediction[3] == expected


def test_weights_stay_within_the_limit() -> None:
    network, rule, given_, labels = case(40)
    one = replace(rule.synapses["fc2"], weight_max=20, rate_shift=0, rate_shift_end=0)
    done = engine().learn(network, replace(rule, synapses={"fc2": one}), given_, labels)
    assert np.abs(done.state.weights["fc2"].astype(int)).max() == 20
    assert done.statistics is not None and done.statistics["fc2"].clipped > 0


def test_streams_of_different_lengths_are_refused() -> None:
    network, rule, given_, labels = case()
    with pytest.raises(
        InputError, match="streams must have as many samples and steps, not 3 and 4 beside 8 and 4"
    ):
        learn_streams(network, rule, [given_, given_.select(slice(3))], [labels, labels[:3]], [0, 1])


def exact_at(error_bits: int, post_bits: int, level: int, **changes: Any) -> ThreeFactorRule:
    """A rule for the hidden layer of a chain 6-7-4 of spiking neurons."""
    every = NeuronRule((1 << 31,), (level,))
    return ThreeFactorRule(
        {"fc1": SynapseRule(0, 0, 4, 4)},
        {"lif2": every, "lif1": every},
        **{"error_bits": error_bits, "post_bits": post_bits, **changes},
    )


@pytest.mark.parametrize(
    ("rule", "changes", "message"),
    [
        # 4 outputs, |w| <= 128, |m| <= 32767 (2^31 - 1)
        (
            exact_at(32, 15, 32767),
            {},
            f"layer 'lif1': errors that come back to it can reach {4 * 128 * 32767 * (2**31 - 1)}; they are exact "
            "below 9007199254740992 (2^53). Use fewer error_bits or post_bits",
        ),
        # |m| <= 127, shifted by the difference of two groups' exponents
        (
            exact_at(8, 7, 1),
            {"fc2": 20, "beside": -20},
            f"layer 'lif1': errors that come back to it can reach {4 * 128 * 127 * (2**40 + 1)}; they",
        ),
        (
            # |m| <= 131071: without homeostasis it would be exact, 2^53 - 2^36 and a little
            exact_at(18, 7, 1, homeostasis=Homeostasis(1 << 20, 24)),
            {"fc2": 22, "beside": -5},
            f"can reach {4 * 128 * 131071 * (2**27 + 1) + 2**44}; they",
        ),
    ],
    ids=["products", "exponents", "homeostasis"],
)
def test_sums_that_are_not_exact_are_refused(
    rule: ThreeFactorRule, changes: dict[str, int], message: str
) -> None:
    network = chain((6, 7, 4), readout=False)
    if changes:
        network = with_two_ways(network, **changes)
    given_ = stimulus(network, np.random.default_rng(5), 3)
    with pytest.raises(FitError, match=re.escape(message)):
        engine().learn(network, rule, given_, np.arange(3))


def with_two_ways(network: Network, fc2: int, beside: int) -> Network:
    """Another group of synapses beside the last one, and the exponents of both."""
    graph = network.graph
    op = graph.of(IntDense)["fc2"]
    ops = {n: graph.op(n) for n in graph.names}
    ops |= {"fc2": replace(op, exponent=fc2), "beside": replace(op, exponent=beside)}
    return replace(network, graph=Graph(ops, [*graph.edges, ("lif1", "beside"), ("beside", "lif2")]))


def test_errors_at_the_end_of_float32_come_back_exactly() -> None:
    # 2^24 + 1 = 97 * 172961 is the first integer that float32 does not hold; 1360 weights of -128 or -127 add up to
    # -172961, and homeostasis takes 2^24 away: what is left is -1, or 0 where the sum is rounded.
    outputs = 1360
    weight = np.full((outputs + 1, 1), -128)
    weight[: 128 * outputs - 172961] = -127
    ops = {
        "in": IntInput((1,), 1.0, 0, 1),
        "fc1": IntDense([[100]], 0),
        "lif1": IntLIF((1,), 4096, 4096, [0], 64, "subtract"),
        "fc2": IntDense(weight, 0),
        "lif2": IntLIF((outputs + 1,), 4096, 4096, np.full(outputs + 1, 1 << 14), 64, "subtract"),
        "out": Output(),
    }
    network = Network(Graph(ops, list(pairwise(ops))), 1, "loihi2")
    rule = ThreeFactorRule(
        {"fc1": SynapseRule(0, 0, 0, 0)},
        {"lif2": NeuronRule((1 << 31,), (97,)), "lif1": NeuronRule((1 << 31,), (1,))},
        error_bits=2,
        homeostasis=Homeostasis(0, 24),
    )
    given_ = Stimulus(np.ones((2, 1), np.int64), 1, True)
    labels = np.full(2, outputs)
    assert_equals_reference(network, rule, given_, labels)
    expected = learn_plainly(network, rule, given_, labels.tolist())
    assert [w["fc1"] for w in expected.weights] == [[101], [102]]


def test_recurrent_hidden_layers_and_several_spikes() -> None:
    network, _, given_, labels = case()
    graph = network.graph
    hidden = replace(network.neurons["lif1"], max_spikes=3, threshold_q=3000, refractory=1)
    ops = {n: graph.op(n) for n in graph.names}
    ops |= {"lif1": hidden, "late": Delay((7,), 1), "back": IntDense(np.eye(7) * 90, 0)}
    edges = [*graph.edges, ("lif1", "late"), ("late", "back"), ("back", "lif1")]
    network = replace(network, graph=Graph(ops, edges))
    assert reference(network, given_)["lif1"].spikes.max() > 1
    assert_equals_reference(network, default_rule(network, layers="all"), given_, labels)


def _weights(state: LearningState, change: Any) -> LearningState:
    return replace(state, weights={name: change(values) for name, values in state.weights.items()})


@pytest.mark.parametrize("backend", ["engine", "lava"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: replace(s, weights={}), "holds weights of nothing; the rule's synapses are fc1, fc2"),
        (lambda s: replace(s, updates=-1), "counts -1 updates; there are 0 or more"),
        (
            lambda s: _weights(s, lambda w: w[:, :2]),
            r"weights of 'fc1' as int8 \(5, 2\); they are integers \(5, 6\)",
        ),
        (
            lambda s: _weights(s, lambda w: w * 1.0),
            r"weights of 'fc1' as float64 \(5, 6\); they are integers",
        ),
        (
            lambda s: _weights(s, lambda w: np.full(w.shape, 300)),
            r"weights of 'fc1' in 300\.\.300; only -127\.\.127 are possible",
        ),
        (
            lambda s: replace(s, spikes={"lif1": np.full(5, 5)}),
            r"spikes of 'lif1' in 5\.\.5; only 0\.\.4 are possible",
        ),
    ],
    ids=["names", "updates", "shape", "type", "range", "spikes"],
)
def test_a_start_that_no_learning_leads_to_is_refused(backend: str, change: Any, message: str) -> None:
    network = chain(readout=False)
    rule = default_rule(network, layers="all")
    given_, start = stimulus(network, np.random.default_rng(0)), initial_state(network.graph, rule)
    learner = get_backend(backend)
    assert isinstance(learner, LearningBackend)
    with pytest.raises(InputError, match=message):
        learner.learn(network, rule, given_, np.zeros(3, np.int64), start=change(start))


@pytest.mark.parametrize("backend", ["engine", "lava"])
def test_a_rule_of_other_neurons_is_refused(backend: str) -> None:
    network = chain(readout=False)
    rule = default_rule(network, layers="all")
    other = replace(rule, neurons={"lif1": rule.neurons["lif1"]})
    learner = get_backend(backend)
    assert isinstance(learner, LearningBackend)
    with pytest.raises(UsageError, match="errors reach the neurons 'lif2', for which it has no numbers"):
        learner.learn(network, other, stimulus(network, np.random.default_rng(0)), np.zeros(3, np.int64))
