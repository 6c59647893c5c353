from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from neurodeploy.cli import main as cli
from neurodeploy.training import load_run

BASE = {"--model": "mlp:64-16-10", "--data": "digits", "--rule": "ottt-a", "--steps": "2", "--epochs": "2"}


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "VERBS", ("train",))
    torch.set_num_threads(1)


def call(folder: Path, *more: str, **over: str) -> int:
    options = {**BASE, **{f"--{name}": value for name, value in over.items()}}
    pairs = [part for pair in options.items() for part in pair]
    return cli.main(["train", *pairs, "-o", str(folder), *more])


def test_trains_and_names_the_next_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    assert call(run) == 0
    out = capsys.readouterr()
    assert "test accuracy" in out.out
    assert out.err.count("epoch ") == 2
    assert f"next: neurodeploy compile {run} --calibrate digits@train -o NET.onnx" in out.err
    info = load_run(run)[1]
    assert (info.data, info.test_data, info.status) == ("digits@train", "digits@test", "done")


def test_json_is_one_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(tmp_path / "run", "--json", "-q", "--seed", "5") == 0
    out = capsys.readouterr()
    found = json.loads(out.out)
    assert out.err == ""
    assert (found["schema"], found["run_schema"]) == ("neurodeploy.train/1", "neurodeploy.run/1")
    assert (found["seed"], found["epochs_done"], len(found["metrics"])) == (5, 2, 2)


def test_options_go_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('batch_size = 32\nlearning_rate = 0.5\noptimizer = "sgd"\n')
    assert call(tmp_path / "run", "--config", str(tmp_path / "a.toml"), "--learning-rate", "0.05") == 0
    config = load_run(tmp_path / "run")[1].config
    assert (config.batch_size, config.learning_rate, config.optimizer) == (32, 0.05, "sgd")


@pytest.mark.parametrize("rule", ["rate-m", "rate-s", "bptt"])
def test_other_rules(tmp_path: Path, rule: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(tmp_path / "run", "--set", "eta=0.1", "--set", "detach_reset=false", rule=rule) == 0
    options = load_run(tmp_path / "run")[1].config.options
    assert (options["eta"], options["detach_reset"], options["surrogate"]) == (0.1, False, "sigmoid")
    assert "spikes per neuron and step: lif1 0." in capsys.readouterr().err


def test_own_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draw = np.random.default_rng(0)
    own = tmp_path / "own.npz"
    np.savez(own, x=draw.random((30, 3, 5)), y=np.arange(30) % 4)
    assert call(tmp_path / "a", data=str(own), model="mlp:5-8-4", steps="3") == 0
    out = capsys.readouterr()
    assert "training accuracy" in out.out
    assert f"--calibrate {own} " in out.err
    assert call(tmp_path / "b", data=str(own), test=str(own), model="mlp:15-8-4") == 0
    assert load_run(tmp_path / "b")[1].test_data == str(own)


def test_resume(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    assert call(run) == 0
    assert call(run) == 2
    assert "exists. Choose another with -o RUN, or go on with that run: --resume" in capsys.readouterr().err
    assert call(run, "--resume") == 0
    assert call(run, "--resume", steps="3") == 2
    assert "cannot resume: steps was 2, now 3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("over", "code", "message"),
    [
        ({"steps": "0"}, 2, "time steps must be 1 or more, not 0"),
        ({"epochs": "-1"}, 2, "epochs must be 1 or more, not -1"),
        ({"rule": "rate"}, 2, "no training rule 'rate'. There are ottt-a, ottt-o, rate-m, rate-s, bptt"),
        ({"preset": "best"}, 2, "no preset 'best' of this rule. There are official, recommended"),
        ({"set": "tau=1"}, 2, "no option 'tau' of this rule. There are first_layer_trace"),
        ({"set": "eta"}, 2, "--set eta: must be NAME=VALUE"),
        ({"set": "eta=much"}, 2, "option eta must be a float, not 'much'"),
        ({"set": "eta=3"}, 2, "eta must be in [0, 1], not 3"),
        ({"model": "resnet:18"}, 2, "no model 'resnet'. There is mlp"),
        ({"model": "mlp:63-10"}, 2, "takes 63 inputs, but a time step of the data has 64 (shape (8, 8))"),
        ({"model": "mlp:64-9"}, 3, "but the model has 9 classes (labels 0..8)"),
        ({"data": "imagenet"}, 2, "no data set 'imagenet'"),
        ({"data": "digits@test"}, 2, "the test split is for testing. Write --data digits"),
        ({"data": "none.npz"}, 3, "none.npz: no such file"),
        ({"config": "none.toml"}, 2, "--config none.toml: No such file"),
        ({"batch-size": "0"}, 2, "`int` >= 1 - at `$.batch_size`"),
        ({"optimizer": "lion"}, 2, "Invalid enum value 'lion'"),
        ({"optimizer": "sgd", "learning-rate": "2000"}, 2, "`float` <= 1000.0 - at `$.learning_rate`"),
        ({"seed": "-1"}, 2, "--seed must be 0 or more"),
    ],
)
def test_refuses(
    tmp_path: Path, over: dict[str, str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(tmp_path / "run", **over) == code
    err = capsys.readouterr().err
    assert message in err
    assert len(err.splitlines()) == 1


def test_divergence_is_a_failed_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.toml").write_text("[options]\neta = 1.0")
    options = ("--config", str(tmp_path / "a.toml"), "--optimizer", "sgd", "--learning-rate", "1000")
    assert call(tmp_path / "run", *options) == 5
    assert "training diverged in epoch 1" in capsys.readouterr().err


def test_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from neurodeploy.training import trainer

    def interrupted(*args: object) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr(trainer, "accuracy", interrupted)
    assert call(tmp_path / "run") == 130
    assert "the same command with --resume goes on" in capsys.readouterr().err
    assert load_run(tmp_path / "run")[1].epochs_done == 0


def test_verbs_import_nothing_heavy() -> None:
    imports = "import sys, neurodeploy.cli.train, neurodeploy.cli.data"
    code = f"{imports}; print({{'torch', 'numpy', 'msgspec'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_without_torch(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from neurodeploy.cli import main as cli; cli.VERBS = ('train',)\n"
        "sys.exit(cli.main(sys.argv[1:]))"
    )
    options = [part for pair in BASE.items() for part in pair]
    command = [sys.executable, "-c", code, "train", *options, "-o", str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 6
    assert "Try: pip install torch==2.13.0" in done.stderr
