from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from neurodeploy.cli import main as cli
from neurodeploy.data import load
from neurodeploy.models import build
from neurodeploy.quant.weights import Method, quantize_weight
from neurodeploy.training import load_run
from neurodeploy.training.analysis import compare_gradients, compare_run
from neurodeploy.training.quantized import grid_step


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "VERBS", ("train",))
    torch.set_num_threads(1)


def call(folder: Path, *more: str, rule: str = "ottt-a", model: str = "mlp:64-16-12-10") -> int:
    what = ["--model", model, "--data", "digits", "--rule", rule, "--steps", "2", "--epochs", "1"]
    return cli.main(["train", *what, "-o", str(folder), *more])


def test_a_table_and_run_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(tmp_path / "run", "--compare-gradients") == 0
    err = capsys.readouterr().err.splitlines()
    start = err.index("gradients of ottt-a against BPTT, 128 training samples: cosine (norm ratio)")
    assert [line.split()[0] for line in err[start + 1 : start + 6]] == ["layer", "fc1", "fc2", "fc3", "all"]
    assert err[start + 3].split()[1:] == ["1.0000", "(1.000)", "1.0000", "(1.000)"]
    module, info = load_run(tmp_path / "run")
    data = load("digits@train")
    assert info.gradients == compare_run(module, info, data, 128)
    assert info.status == "done"


def test_json_has_both_states(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(tmp_path / "run", "--compare-gradients", "9", "--json", "-q", rule="rate-m") == 0
    out = capsys.readouterr()
    assert out.err == ""
    found = json.loads(out.out)["gradients"]
    assert found == json.loads((tmp_path / "run" / "run.json").read_text())["gradients"]
    assert (found["before"]["samples"], found["after"]["rule"]) == (9, "rate-m")
    assert found["before"]["whole"] != found["after"]["whole"]


def test_before_is_the_first_network(tmp_path: Path) -> None:
    assert call(tmp_path / "run", "--seed", "3") == 0
    module, info = load_run(tmp_path / "run")
    data = load("digits@train")
    found = compare_run(module, info, data, len(data) + 5)
    x, y = torch.tensor(data.x), torch.tensor(data.labels())
    alone = compare_gradients(build(info.model, 3), x, y, "ottt-a", 2)
    assert found.before.samples == len(data)
    assert found.before.whole.cosine == pytest.approx(alone.whole.cosine, abs=1e-6)


@pytest.mark.parametrize("bits", [None, 3])
def test_before_has_the_weights_it_started_with(bits: int | None, tmp_path: Path) -> None:
    """Started with a trained run, and rounded as the run rounds: the first network is what its own first step saw."""
    assert call(tmp_path / "first", "--seed", "3") == 0
    more = ["--quantize", str(bits)] if bits else []
    assert call(tmp_path / "run", "--start", str(tmp_path / "first"), "--compare-gradients", "9", *more) == 0
    info = load_run(tmp_path / "run")[1]
    begun = build(info.model, 0)
    begun.load_state_dict(load_run(tmp_path / "first")[0].state_dict())
    if bits:
        for layer in (layer for layer in begun.modules() if isinstance(layer, torch.nn.Linear)):
            weight = layer.weight.data.numpy()
            method = Method(bits, "mse")
            found = quantize_weight(weight, method, grid_step("weight", layer.weight.data, bits))
            layer.weight.data = torch.from_numpy((found.scale * found.weight_q).astype("float32"))
    data = load("digits@train")
    chosen = np.random.default_rng((0, 0)).permutation(len(data))[:9]
    x, y = torch.tensor(data.x[chosen]), torch.tensor(data.labels()[chosen])
    expected = compare_gradients(begun, x, y, "ottt-a", 2)
    assert info.gradients is not None
    assert info.gradients.before.whole.cosine == pytest.approx(expected.whole.cosine, abs=1e-4)


def test_a_run_can_be_compared_later(tmp_path: Path) -> None:
    assert call(tmp_path / "run") == 0
    assert load_run(tmp_path / "run")[1].gradients is None
    assert call(tmp_path / "run", "--resume", "--compare-gradients") == 0
    first = load_run(tmp_path / "run")[1].gradients
    assert first is not None
    assert call(tmp_path / "run", "--resume") == 0
    assert load_run(tmp_path / "run")[1].gradients == first


@pytest.mark.parametrize(
    ("samples", "rule", "model", "code", "message"),
    [
        ("0", "ottt-a", "mlp:64-16-10", 2, "--compare-gradients must be 1 or more samples, not 0"),
        ("8", "event", "event:64-16-10", 3, "the gradients of rule 'event' cannot be compared with BPTT"),
    ],
)
def test_refuses_before_training(
    samples: str,
    rule: str,
    model: str,
    code: int,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(tmp_path / "run", "--compare-gradients", samples, rule=rule, model=model) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
