from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neurodeploy.artifact import load
from neurodeploy.cli.learn_cost import learning_cost
from neurodeploy.ir import IntDense
from tests.cli.conftest import Files
from tests.nets import chain, pixels, stimulus

Call = Callable[..., tuple[int, str, str]]


def test_saves_the_learned_network(call: Call, files: Files) -> None:
    out, before = files.more / "learned.onnx", files.net.read_bytes()
    code, text, err = call("learn", files.net, "--data", files.data, "--evaluate", files.data, "-o", out)
    assert code == 0
    assert "layer 'fc2' learned from 12 samples" in text
    assert f"accuracy on {files.data}: " in text
    assert err.splitlines()[-1].startswith(f"next: neurodeploy report {out} --data {files.data}")
    learned = load(out)
    assert learned.learning["evaluation"] == str(files.data)
    assert files.net.read_bytes() == before
    assert (
        learned.graph.of(IntDense)["fc2"].weight_q != load(files.net).graph.of(IntDense)["fc2"].weight_q
    ).any()


def test_seed(call: Call, files: Files) -> None:
    def learned(seed: int) -> tuple[object, bytes]:
        out = files.more / "l.onnx"
        assert call("learn", files.net, "--data", files.data, "--seed", seed, "-o", out, "-q")[0] == 0
        return load(out).learning["seed"], out.read_bytes()

    assert learned(1) == learned(1)
    assert [learned(seed)[0] for seed in (1, 2)] == [1, 2]


def test_update_every_step(call: Call, files: Files) -> None:
    found = json.loads(call("learn", files.net, "--data", files.data, "--update", "step", "--json", "-q")[1])
    assert (found["rule"]["update"], found["layers"], found["verified_on"]) == ("step", ["fc2"], None)


def test_learned_network_can_be_inspected(call: Call, files: Files) -> None:
    out = files.more / "l.onnx"
    call("learn", files.net, "--data", files.data, "-o", out)
    code, text, _ = call("inspect", out)
    assert code == 0
    assert f"learned: 12 samples of {files.data}" in text


def test_network_learned_from_python_can_be_inspected(call: Call, files: Files) -> None:
    import neurodeploy as nd

    network = chain((6, 5, 4))
    given = stimulus(network, np.random.default_rng(0))
    nd.learn(network, given, [0, 1, 2]).network.save(files.more / "l.onnx")
    code, text, _ = call("inspect", files.more / "l.onnx")
    assert code == 0
    assert "learned" in text


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--backend", "onnxruntime"], 3, "back end 'onnxruntime' cannot learn"),
        (["--verify-on", "onnxruntime"], 3, "back end 'onnxruntime' cannot learn"),
        (["--backend", "gpu"], 2, "there is no back end 'gpu'"),
        (["--evaluate", "gone.npz"], 3, "gone.npz: no such file"),
        (["--layers", "fc9"], 2, "layer 'fc9' has no synapses; these have: fc1, fc2"),
        (["--rule", "rate", "--update", "step"], 2, "--rule rate learns once a sample"),
        (["--error-delay", 4], 2, "error_delay 4 with 4 time steps: no error arrives in time"),
        (["--lr-shift", 99], 2, "rate_shift must be in 0..40"),
        (["--evaluate-every", 0], 2, "evaluate_every must be 1 or more samples, not 0"),
        (["--log", "gone/l.jsonl"], 2, "there is no folder gone"),
        (["--log", "-"], 2, "--log writes a file, not stdout: name one"),
        (["--resume", "-"], 2, "--resume writes a file, not stdout: name one"),
        (["--limit", 0], 2, "must be 1 or more"),
        (["--seed", 1 << 63], 2, "seed must be in 0..9223372036854775807"),
    ],
)
def test_refuses(call: Call, files: Files, arguments: list[object], code: int, message: str) -> None:
    found, out, err = call("learn", files.net, "--data", files.data, "-o", files.more / "l.onnx", *arguments)
    assert (found, out) == (code, "")
    assert message in err
    assert list(files.more.iterdir()) == []


def test_data_without_labels(call: Call, files: Files) -> None:
    code, _, err = call("learn", files.net, "--data", files.save("x", x=pixels((3, 8, 8))))
    assert code == 3
    assert "has no labels" in err


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        (["--layers", "all"], {"rule": "ottt", "feedback": "symmetric"}),
        (["--layers", "fc1", "--feedback", "random"], {"feedback": "random"}),
        (
            ["--layers", "fc1,fc2", "--feedback", "sign", "--error-delay", 1],
            {"feedback": "sign", "error_delay": 1},
        ),
        (["--rule", "rate", "--layers", "all", "--weight-decay", 9], {"rule": "rate", "weight_decay": 9}),
        (["--layers", "all", "--target-rate", 2], {"homeostasis": {"target": 2, "exponent": 0}}),
    ],
)
def test_options_make_the_rule(
    call: Call, files: Files, options: list[object], rule: dict[str, object]
) -> None:
    code, text, _ = call("learn", files.net, "--data", files.data, "--json", "-q", *options)
    assert code == 0
    found = json.loads(text)
    assert {name: found["rule"][name] for name in rule} == rule
    wanted = options[options.index("--layers") + 1]
    assert found["layers"] == (["fc1", "fc2"] if wanted == "all" else str(wanted).split(","))


def test_learning_rate_shift(call: Call, files: Files) -> None:
    def shift(*options: object) -> int:
        text = call("learn", files.net, "--data", files.data, "--json", "-q", *options)[1]
        found: int = json.loads(text)["rule"]["synapses"]["fc2"]["rate_shift"]
        return found

    assert shift("--lr-shift", 3) == shift() + 3


def test_log_and_resume(call: Call, files: Files) -> None:
    log, state, out = (files.more / name for name in ("log.jsonl", "state", "l.onnx"))
    words = ["learn", files.net, "--data", files.data, "--evaluate", files.data, "--evaluate-every", 5, "-q"]
    assert call(*words, "--log", log, "--resume", state, "-o", out)[0] == 0
    points = [json.loads(line) for line in log.read_text().splitlines()]
    assert [point["samples"] for point in points] == [5, 10, 12]
    assert all(set(point) == {"samples", "accuracy", "changed", "updates"} for point in points)
    whole = out.read_bytes()
    assert call(*words, "--log", log, "--resume", state, "-o", out)[0] == 0
    assert out.read_bytes() == whole
    assert len(log.read_text().splitlines()) == 3
    code, _, err = call(*words, "--resume", state, "--seed", 5)
    assert code == 3
    assert "is the state of other learning" in err


def test_falling_accuracy_is_a_warning(call: Call, files: Files) -> None:
    network = load(files.net)
    x, taught = pixels((40, 8, 8)), np.zeros(40, np.int64)
    truth = network.run(x).prediction
    learn_from, judge_by = files.save("taught", x=x, y=taught), files.save("judge", x=x, y=truth)
    code, text, err = call("learn", files.net, "--data", learn_from, "--evaluate", judge_by, "-q")
    assert code == 0
    assert "100.00 % before" in text
    assert "warning: accuracy fell while it learned" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "learn needs NET.onnx and --data"),
        (["--scenario", "nope", "-o", "x"], "no scenario 'nope'"),
        (["--scenario", "sequence"], "add -o DIR"),
        (
            ["--scenario", "sequence", "-o", "x", "--limit", "3", "--update", "step"],
            "takes no --limit, --update",
        ),
        (["--scenario", "sequence", "-o", "x", "--layers", "fc1"], "last or all, not 'fc1'"),
        (["net.onnx", "--data", "digits", "--seeds", "3"], "--seeds goes with --scenario"),
    ],
)
def test_scenarios_take_what_they_need(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = call("learn", *arguments)
    assert code == 2
    assert message in err
    assert not list(tmp_path.iterdir())


def test_energy_of_the_weight_updates(call: Call, files: Files) -> None:
    text = call("learn", files.net, "--data", files.data, "-q")[1].splitlines()[-1]
    found = json.loads(call("learn", files.net, "--data", files.data, "--json", "-q")[1])
    cost = found["weight_update_cost"]
    assert cost["count"] == found["statistics"]["fc2"]["asked"] / 12 > 0
    assert cost["joules"] == cost["count"] * 1.2e-10
    assert text.startswith(f"weight updates: {cost['count']:.1f} a sample; about ")
    assert "120 pJ each (approx, scaled: inherited from loihi1: Davies et al." in text


@pytest.mark.parametrize(
    ("target", "statistics", "line"),
    [
        (
            "speck2f",
            {"fc2": {"asked": 30}},
            "weight updates: 2.5 a sample; the energy of one on speck2f is not public: not modelled",
        ),
        (
            "any",
            {"fc2": {"asked": 30}},
            "weight updates: 2.5 a sample; target 'any' is no chip with a description: no energy",
        ),
        ("loihi2", {}, "weight updates: lava does not count them, so their energy is not modelled"),
    ],
)
def test_an_energy_that_is_not_known_is_said(
    target: str, statistics: dict[str, dict[str, int]], line: str
) -> None:
    cost, said = learning_cost(target, {"statistics": statistics, "samples": 12, "backend": "lava"})
    assert said == line
    assert cost is None or cost["joules"] is None
