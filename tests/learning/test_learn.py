from __future__ import annotations

import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurodeploy as nd
from neurodeploy.artifact import from_bytes, to_bytes
from neurodeploy.backend import Learned, LearningBackend, get_backend
from neurodeploy.errors import InputError, MismatchError, UnsupportedError, UsageError
from neurodeploy.ir import Graph, IntDense
from neurodeploy.learning import Evaluation, Journal, default_rule, learn, learning_paths, with_weights
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics.learning import Homeostasis, LearningState, NeuronRule
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
    assert (record["layers"], record["backend"], record["samples"], record["seed"]) == (
        ["fc2"],
        "engine",
        20,
        0,
    )
    assert [point["samples"] for point in record["curve"]] == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20]
    final = get_backend("engine").run(outcome.network, given).prediction
    assert record["accuracy_after"] == (final == labels).mean()
    first = get_backend("engine").run(network, given).prediction
    assert record["accuracy_before"] == record["curve"][0]["accuracy"] == (first == labels).mean()
    assert [note.layer for note in outcome.network.notes] == [
        "fc2",
        "lif2",
        *(n.layer for n in outcome.advice),
    ]
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
    given = stimulus(network, np.random.default_rng(0), 30)
    labels = np.arange(30) % 4
    learned = learn(network, given, labels).network
    before, after = (n.graph.of(IntDense)["fc1"].weight_q for n in (network, learned))
    assert not np.array_equal(before, after)


def test_two_groups_of_synapses_learn_together() -> None:
    network, given, labels = case()
    ops = {name: network.graph.op(name) for name in network.graph.names}
    ops["more"] = network.graph.op("fc2")
    graph = Graph(ops, [*network.graph.edges, ("lif1", "more"), ("more", "lif2")])
    record = learn(replace(network, graph=graph), given, labels).record
    assert sorted(record["layers"]) == ["fc2", "more"]
    assert all(one["changed"] > 0 for one in record["statistics"].values())


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

    def learn(self, *args: Any, on_snapshot: Any, **kwargs: Any) -> Learned:
        def spoiled(samples: int, learned: Learned) -> None:
            if self.what == "prediction":
                wrong = learned.prediction + (np.arange(samples) == 7)
                on_snapshot(samples, replace(learned, prediction=wrong))
                return
            weights = {name: w.copy() for name, w in learned.state.weights.items()}
            weights["fc2"][3, 4] ^= samples == 2
            on_snapshot(samples, replace(learned, state=LearningState(weights)))

        engine: Any = get_backend("engine")
        return engine.learn(*args, on_snapshot=spoiled, **kwargs)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (
            "weight",
            r"after 2 samples 1 of 36 weights of layer 'fc2' differ, first that at \[3, 4\]: engine .*, forgetful",
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


@pytest.mark.parametrize(
    ("layers", "names"),
    [("last", ["fc3"]), ("all", ["fc1", "fc2", "fc3"]), (("fc3", "fc1"), ["fc1", "fc3"])],
)
def test_learning_paths(layers: Any, names: list[str]) -> None:
    found = learning_paths(chain((6, 9, 5, 4)), layers)
    assert [group.synapses for group in found.learning] == names


def test_layers_that_are_no_names() -> None:
    with pytest.raises(UsageError, match="layers must be 'last', 'all' or names, not 'fc1'"):
        learning_paths(chain((6, 9, 4)), "fc1")


def test_with_weights() -> None:
    network = case()[0]
    other = np.ones((4, 9), np.int8)
    assert weights(with_weights(network, {"fc2": other})) == other.tolist()
    assert weights(network) != other.tolist()


@pytest.mark.parametrize(("dv", "impulse"), [(4096, 6), (2048, 6), (0, 4)])
def test_default_rule_of_the_last_layer(dv: int, impulse: int) -> None:
    network, _, _ = case(readout=False)
    op = replace(network.neurons["lif2"], dv=dv)
    network = replace(network, graph=network.graph.replaced({"lif2": op}))
    rule = default_rule(network, "step", seed=9)
    one, factor = rule.synapses["fc2"], rule.neurons["lif2"]
    assert (one.trace_decay, one.impulse_exponent, one.rate_shift, one.rate_shift_end) == (
        dv,
        impulse,
        impulse,
        impulse + 4,
    )
    assert (factor.edges, factor.levels) == ((2 * op.threshold_q,), (1,))
    assert (rule.margin, rule.seed, rule.halve_every) == (0, 9, 128 * 4)


def test_default_rule_for_a_number_of_samples() -> None:
    network, given, labels = case(20)
    rules = {n: default_rule(network, samples=n) for n in (1, 20, 600)}
    assert [rule.halve_every for rule in rules.values()] == [1, 3, 100]
    largest = int(np.abs(network.graph.of(IntDense)["fc2"].weight_q.astype(int)).max())
    grid = 2 ** largest.bit_length() - 1
    assert {rule.margin for rule in rules.values()} == {network.steps * 64 * grid}
    assert learn(network, given, labels).record["rule"] == rules[20].to_dict()
    with pytest.raises(UsageError, match="a rule must be for 1 or more samples, not 0"):
        default_rule(network, samples=0)


@pytest.mark.parametrize("kind", ["ottt", "rate"])
@pytest.mark.parametrize("high", [1, 16, 255, 4000])
def test_default_traces_never_saturate(kind: Any, high: int) -> None:
    network = chain((6, 9, 4), high=high, steps=7)
    full = Stimulus(np.full((1, 6), high), 7, True)
    rule = default_rule(network, rule=kind, layers="all")
    outcome = learn(network, full, [1], rule=rule)
    assert outcome.record["statistics"]["fc1"]["traces_saturated"] == 0
    trace = 0
    for _ in range(7):
        trace = trace * (4096 - rule.synapses["fc1"].trace_decay) // 4096
        trace += high * 2 ** max(rule.synapses["fc1"].impulse_exponent, 0) >> max(
            -rule.synapses["fc1"].impulse_exponent, 0
        )
    assert 31 < trace <= 127


def test_error_delay_that_no_error_survives() -> None:
    with pytest.raises(UsageError, match="error_delay 4 with 4 time steps: no error arrives in time"):
        default_rule(chain((6, 9, 4)), error_delay=4)


@pytest.mark.parametrize("feedback", ["symmetric", "sign", "random"])
@pytest.mark.parametrize("kind", ["ottt", "rate"])
def test_all_layers_learn(feedback: Any, kind: Any) -> None:
    network, given, labels = classes()
    rule = default_rule(network, rule=kind, layers="all", feedback=feedback)
    outcome = learn(network, given, labels, rule=rule, evaluation=Evaluation(given, labels))
    record = outcome.record
    assert record["accuracy_after"] > max(0.8, record["accuracy_before"])
    assert all(one["changed"] > 0 for one in record["statistics"].values())


def classes() -> tuple[Network, Stimulus, np.ndarray]:
    """Three noisy prototypes, which the network does not know yet."""
    network = chain((6, 40, 3), steps=6)
    draw = np.random.default_rng(1)
    labels = np.arange(200) % 3
    x = np.clip(draw.integers(0, 17, (3, 6))[labels] + draw.integers(-2, 3, (200, 6)), 0, 16)
    return network, Stimulus(x, network.steps, True), labels


def test_homeostasis_moves_rates_to_the_target() -> None:
    network, given, labels = classes()

    def rates(target: int | None) -> float:
        home = None if target is None else Homeostasis(target, 5)
        rule = default_rule(network, layers=("fc1",), homeostasis=home)
        learned = learn(network, given, labels, rule=rule).network
        traces = get_backend("engine").run(learned, given, trace=True).traces
        return float(traces["lif1"].spikes.sum(axis=0).mean())

    low, free, high = rates(0), rates(None), rates(6)
    assert low < free < high


@pytest.mark.parametrize(
    ("slower", "message"),
    [
        (
            20,
            r"^the learning rate rounds 100\.0 % of the updates to zero \([0-9]+ of [0-9]+ changed a weight\); "
            r"lower --lr-shift \(the rate is 2\^-2[0-9] now\)$",
        ),
        (
            -6,
            r"of the updates ended at the end of the weight grid, \+-127; raise --lr-shift \(the rate is 2\^-0 now\)",
        ),
    ],
)
def test_rates_that_change_nothing_or_everything_are_said(slower: int, message: str) -> None:
    network, given, labels = classes()
    notes = learn(network, given, labels, rule=default_rule(network, slower=slower)).advice
    assert any(re.search(message, note.what) for note in notes), notes


def test_saturated_errors_and_silence_are_said() -> None:
    network, given, labels = classes()
    rule = default_rule(network, layers=("fc1",))
    loud = replace(rule, neurons={**rule.neurons, "lif1": NeuronRule((1 << 20,), (1,), 10)})
    notes = [n.what for n in learn(network, given, labels, rule=loud).advice]
    assert any("errors saturated at 8 bits" in what for what in notes)
    shut = replace(rule, neurons={**rule.neurons, "lif1": NeuronRule((0,), (0,))})
    notes = [n.what for n in learn(network, given, labels, rule=shut).advice]
    assert any("asked for no change in 200 updates" in what for what in notes)


@pytest.mark.parametrize(
    ("target", "messages"),
    [
        ("loihi2", ["learning needs accumulator_bits 24, but loihi2 has 16"]),
        ("speck2f", ["pre_traces of speck2f is unknown (the chip does not learn)"]),
        ("any", ["target 'any' is no chip with a description: learning not checked"]),
    ],
)
def test_what_the_chip_lacks_is_said(target: str, messages: list[str]) -> None:
    network, given, labels = case()
    notes = [str(note) for note in learn(replace(network, target=target), given, labels).advice]
    for message in messages:
        assert any(message in note for note in notes), notes


class Power(Exception):
    """The power fails."""


@pytest.mark.parametrize("kind", ["ottt", "rate"])
def test_interrupted_learning_goes_on_as_if_it_had_not_been(tmp_path: Path, kind: Any) -> None:
    network, given, labels = case(21)
    rule = default_rule(network, rule=kind, layers="all", homeostasis=Homeostasis(1, 3))
    options: dict[str, Any] = {"rule": rule, "evaluate_every": 4, "evaluation": Evaluation(given, labels)}
    whole = learn(network, given, labels, **options)

    def fail(point: Any) -> None:
        if point["samples"] == 12:
            raise Power

    path = tmp_path / "state"
    with pytest.raises(Power):
        learn(network, given, labels, journal=Journal(path), on_point=fail, **options)
    seen: list[int] = []
    resumed = learn(
        network, given, labels, journal=Journal(path), on_point=lambda p: seen.append(p["samples"]), **options
    )
    assert seen == [12, 16, 20, 21]
    assert resumed.network.graph == whole.network.graph
    assert resumed.record == whole.record
    again = learn(network, given, labels, journal=Journal(path), **options)
    assert again.record == whole.record


def test_state_of_other_learning_is_refused(tmp_path: Path) -> None:
    network, given, labels = case()
    path = tmp_path / "state"
    learn(network, given, labels, journal=Journal(path))
    with pytest.raises(InputError, match="is the state of other learning"):
        learn(network, given, labels, journal=Journal(path), rule=default_rule(network, seed=1))


@pytest.mark.parametrize("content", [b"", b"12345678", b"\xff" * 100, b"{}"])
def test_damaged_state_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "state"
    path.write_bytes(content)
    with pytest.raises(InputError, match="is no state of learning, or damaged"):
        learn(*case(), journal=Journal(path))


def test_cut_state_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state"
    learn(*case(), journal=Journal(path))
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(InputError, match="is no state of learning, or damaged"):
        learn(*case(), journal=Journal(path))


def test_verified_means_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network, given, labels = classes()
    path = tmp_path / "state"
    learn(network, given, labels, journal=Journal(path))
    seen: list[int] = []
    engine = get_backend("engine")
    assert isinstance(engine, LearningBackend)
    real = type(engine).learn

    def counted(self: Any, one: Any, rule: Any, stimulus: Any, *rest: Any, **options: Any) -> Any:
        seen.append(stimulus.samples)
        return real(self, one, rule, stimulus, *rest, **options)

    monkeypatch.setattr(type(engine), "learn", counted)
    outcome = learn(network, given, labels, journal=Journal(path), verify_on="engine")
    assert (outcome.record["verified_on"], seen) == ("engine", [given.samples])


def test_state_with_another_evaluation_is_refused(tmp_path: Path) -> None:
    network, given, labels = classes()
    path = tmp_path / "state"
    learn(network, given, labels, journal=Journal(path))
    with pytest.raises(InputError, match=r"other learning .*evaluation"):
        learn(network, given, labels, journal=Journal(path), evaluation=Evaluation(given, labels))
