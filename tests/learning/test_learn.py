from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import neurodeploy as nd
from neurodeploy.artifact import from_bytes, to_bytes
from neurodeploy.backend import Learned, get_backend
from neurodeploy.errors import InputError, MismatchError, UnsupportedError, UsageError
from neurodeploy.ir import Graph, IntDense
from neurodeploy.learning import Evaluation, default_rule, learn, learning_layer, with_weights
from neurodeploy.network import Network, Stimulus
from tests.nets import chain, stimulus


def case(samples: int = 20, **changes: Any) -> tuple[Network, Stimulus, np.ndarray]:
    network = chain((6, 9, 4), **changes)
    return network, stimulus(network, np.random.default_rng(5), samples), np.arange(samples) % 4


def weights(network: Network) -> list[list[int]]:
    return network.graph.of(IntDense)["fc2"].weight_q.tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("readout", [True, False])
def test_record_and_network(readout: bool) -> None:
    network, given, labels = case(readout=readout)
    before = repr(network)
    outcome = learn(network, given, labels, evaluation=Evaluation(given, labels), source={"data": "drawn"})
    record = outcome.record
    assert repr(network) == before
    assert weights(outcome.network) != weights(network)
    assert outcome.network.learning == record
    assert (record["layer"], record["backend"], record["samples"], record["seed"]) == ("fc2", "engine", 20, 0)
    assert [point["samples"] for point in record["curve"]] == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20]
    final = get_backend("engine").run(outcome.network, given).prediction
    assert record["accuracy_after"] == (final == labels).mean()
    first = get_backend("engine").run(network, given).prediction
    assert record["accuracy_before"] == record["curve"][0]["accuracy"] == (first == labels).mean()
    assert [note.layer for note in outcome.network.notes[-2:]] == ["fc2", "lif2"]
    assert from_bytes(to_bytes(outcome.network)) == outcome.network


def test_it_learns() -> None:
    network = chain((6, 40, 3), steps=6)
    draw = np.random.default_rng(1)
    labels = np.arange(200) % 3
    prototypes = draw.integers(0, 17, (3, 6))
    x = np.clip(prototypes[labels] + draw.integers(-2, 3, (200, 6)), 0, 16)
    given = Stimulus(x, network.steps, True)
    record = learn(network, given, labels, evaluation=Evaluation(given, labels)).record
    assert record["accuracy_after"] > max(0.85, record["accuracy_before"])


def test_without_evaluation_there_is_no_curve() -> None:
    record = learn(*case()).record
    assert (record["curve"], record["accuracy_before"], record["accuracy_after"]) == ([], None, None)


def test_seed_decides() -> None:
    network, given, labels = case()
    rules = [default_rule(network, seed=seed) for seed in (1, 1, 2)]
    one, again, other = (weights(learn(network, given, labels, rule=rule).network) for rule in rules)
    assert one == again
    assert one != other


def test_plain_python_labels() -> None:
    network, given, labels = case()
    assert weights(learn(network, given, labels.tolist()).network) == weights(
        learn(network, given, labels).network
    )


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            [0] * 19 + [4],
            r"label 4 of sample 19 is out of range: the network has 4 output neurons, 0..3 \(1 such",
        ),
        ([-1] * 20, r"label -1 of sample 0 is out of range"),
        ([0] * 19, "there are 19 labels for 20 samples"),
        ([1.7] * 20, "integers"),
        ([[0]] * 20, "labels"),
        (["a"] * 20, "integers"),
        ([float("nan")] * 20, "integers"),
    ],
)
def test_labels(labels: Any, message: str) -> None:
    network, given, _ = case()
    with pytest.raises(InputError, match=message):
        learn(network, given, labels)


def test_network_of_one_layer() -> None:
    network = chain((6, 4))
    with pytest.raises(UnsupportedError, match="layer 'fc1' is fed by graded values; learning needs spikes"):
        learn(network, stimulus(network, np.random.default_rng(0)), [0, 1, 2])


def test_two_groups_of_synapses() -> None:
    network, given, labels = case()
    ops = {name: network.graph.op(name) for name in network.graph.names}
    ops["more"] = network.graph.op("fc2")
    graph = Graph(ops, [*network.graph.edges, ("lif1", "more"), ("more", "lif2")])
    with pytest.raises(
        UnsupportedError, match="layer 'lif2' has 2 groups of synapses; learning needs exactly one"
    ):
        learn(replace(network, graph=graph), given, labels)


def test_back_end_that_cannot_learn() -> None:
    with pytest.raises(UnsupportedError, match="back end 'onnxruntime' cannot learn"):
        learn(*case(), backend="onnxruntime")
    with pytest.raises(UnsupportedError, match="back end 'onnxruntime' cannot learn"):
        learn(*case(), verify_on="onnxruntime")
    with pytest.raises(UsageError, match="there is no back end 'gpu'"):
        learn(*case(), backend="gpu")


class Forgetful:
    """The engine, which spoils one weight after the first tenth, or one prediction."""

    name = "forgetful"
    summary = "wrong on purpose"
    what = "weight"

    def missing(self) -> str | None:
        return None

    def run(self, *args: Any, **kwargs: Any) -> Any:
        return get_backend("engine").run(*args, **kwargs)

    def learn(self, *args: Any, **kwargs: Any) -> Learned:
        engine: Any = get_backend("engine")
        done: Learned = engine.learn(*args, **kwargs)
        if self.what == "prediction":
            return replace(done, prediction=done.prediction + (np.arange(20) == 7))
        snapshots = {n: w.copy() for n, w in done.snapshots.items()}
        snapshots[2][3, 4] ^= 1
        return replace(done, snapshots=snapshots)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (
            "weight",
            "after 2 samples 1 of 36 weights differ, first that of neuron 3 from input 4: engine .*, forgetful .*",
        ),
        ("prediction", "sample 7: engine predicts [0-9], forgetful [0-9]"),
    ],
)
def test_verify_on_another_back_end(monkeypatch: pytest.MonkeyPatch, what: str, message: str) -> None:
    backend = Forgetful()
    backend.what = what
    module = import_module("neurodeploy.learning.learn")
    monkeypatch.setattr(
        module, "get_backend", lambda name: backend if name == "forgetful" else get_backend(name)
    )
    with pytest.raises(MismatchError, match=message):
        learn(*case(), verify_on="forgetful")


def test_public_entry() -> None:
    network, given, labels = case(5)
    assert nd.learn(network, given, labels).record == learn(network, given, labels).record


def test_learning_layer() -> None:
    layer = learning_layer(case()[0])
    assert (layer.source, layer.synapses, layer.neurons) == ("lif1", "fc2", "lif2")


def test_with_weights() -> None:
    network = case()[0]
    other = np.ones((4, 9), np.int8)
    assert weights(with_weights(network, other)) == other.tolist()
    assert weights(network) != other.tolist()


@pytest.mark.parametrize(("dv", "impulse"), [(4096, 64), (2048, 64), (0, 16)])
def test_default_rule(dv: int, impulse: int) -> None:
    network, _, _ = case(readout=False)
    op = replace(network.neurons["lif2"], dv=dv)
    network = replace(network, graph=network.graph.replaced({"lif2": op}))
    rule = default_rule(network, "step", seed=9)
    assert (rule.trace_decay, rule.impulse, rule.rate_shift) == (dv, impulse, impulse.bit_length() - 1)
    assert (rule.window, rule.margin, rule.seed, rule.halve_every) == (2 * op.threshold_q, 0, 9, 128 * 4)
