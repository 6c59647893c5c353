from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from neurodeploy.backend import Learned, LearningBackend, get_backend
from neurodeploy.errors import FitError, InputError
from neurodeploy.ir import Delay, Graph, IntDense
from neurodeploy.learning import default_rule, with_weights
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import ThreeFactorRule
from neurodeploy.semantics.learning import Homeostasis, LearningState, NeuronRule
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


def test_sums_that_are_not_exact_are_refused() -> None:
    network, rule, given_, labels = case(layers="all")
    wide = replace(
        rule,
        error_bits=32,
        post_bits=15,
        neurons={n: NeuronRule((99,), (32767,)) if one.edges else one for n, one in rule.neurons.items()},
    )
    with pytest.raises(FitError, match="layer 'fc2': errors that come back through it can reach"):
        engine().learn(network, wide, given_, labels)


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
