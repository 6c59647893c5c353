from __future__ import annotations

import json
import os
import re
import signal
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


def test_says_that_it_takes_an_axis_as_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "own.npz"
    np.savez(path, x=np.ones((6, 2, 64), np.float32), y=np.arange(6))
    assert call(tmp_path / "run", "-q", data=str(path), epochs="1") == 0
    assert capsys.readouterr().err.count(f"note: {path}: holds no 'time_axis'; the second axis of 'x'") == 1
    assert load_run(tmp_path / "run")[1].time_axis is True


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
    assert "; per neuron and step: lif1 0." in capsys.readouterr().err


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
        ({"model": "mlp:64-16-10,decay=1.01"}, 2, "decay must be in [0, 1], not '1.01'"),
        ({"model": "convnet:4C3-10,input=8x8,decay=nan"}, 2, "decay must be in [0, 1], not 'nan'"),
        ({"model": "mlp:64-16-10,normalize=cifar10"}, 2, "normalize is for images of 3 channels"),
        ({"recipe": "lenet"}, 2, "no recipe 'lenet'. There are event-fashion-mnist, event-mnist"),
        ({"recipe": "none.toml"}, 2, "recipe none.toml: No such file"),
        ({"device": "tpu"}, 2, "there is no device 'tpu'. There are cpu, cuda and cuda:N"),
        ({"precision": "int4"}, 2, "Invalid enum value 'int4' - at `$.precision`"),
        ({"precision": "fp16"}, 2, "precision fp16 is for GPUs, not for cpu. Try bf16"),
        ({"learning-rate": "nan"}, 2, "`float` > 0.0 - at `$.learning_rate`"),
        ({"data": "tonic"}, 2, "must be tonic:SET[,HxW][:FOLDER]"),
    ],
)
def test_refuses(
    tmp_path: Path, over: dict[str, str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(tmp_path / "run", **over) == code
    err = capsys.readouterr().err
    assert message in err
    assert len(err.splitlines()) == 1


def test_an_option_given_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(tmp_path / "run", "--set", "eta=0.1", "--set", "eta=0.2") == 2
    assert "--set eta is given twice, as 0.1 and as 0.2" in capsys.readouterr().err


def test_divergence_is_a_failed_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.toml").write_text("[options]\neta = 1.0")
    options = ("--config", str(tmp_path / "a.toml"), "--optimizer", "sgd", "--learning-rate", "1000")
    assert call(tmp_path / "run", *options) == 5
    assert "training diverged in epoch 1" in capsys.readouterr().err


def test_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from neurodeploy.training import running

    def interrupted(*args: object) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "count_right", interrupted)
    assert call(tmp_path / "run") == 130
    assert "the same command with --resume goes on" in capsys.readouterr().err
    assert load_run(tmp_path / "run")[1].epochs_done == 0


def test_batch_norm_and_ottt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((4, 2, 16, 16)), y=np.arange(4) % 2)
    model = "vgg-11:input=2x16x16,classes=2"
    assert call(tmp_path / "run", data=str(tmp_path / "a.npz"), model=model, steps="3") == 3
    err = capsys.readouterr().err
    assert "layer 'bn1' is batch norm, which OTTT cannot train" in err and len(err.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_resuming_another_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(tmp_path / "run", "-q") == 0
    capsys.readouterr()
    assert call(tmp_path / "run", "--resume", model="mlp:64-20-10") == 2
    err = capsys.readouterr().err
    assert "cannot resume: model was 'mlp:64-16-10," in err and len(err.splitlines()) == 1


RECIPE = """source = "mine"\nmodel = "mlp:64-16-10,normalize=0.3:0.4"\ndata = "digits"\nrule = "ottt-a"\nsteps = 2
epochs = 2\noptimizer = "sgd"\nlearning_rate = 0.1\nbatch_size = 64\nmissing = ["dropout"]\ntest_accuracy = 97.5
[[augment]]\nkind = "crop"\npadding = 1\n"""


def test_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "own.toml"
    own.write_text(RECIPE)
    assert cli.main(["train", "--recipe", str(own), "--epochs", "1", "-o", str(tmp_path / "run")]) == 0
    err = capsys.readouterr().err
    assert f"note: {own}: not as in the paper: dropout\n" in err
    assert f"note: {own}: test accuracy in the paper: 97.5 %\n" in err
    info = load_run(tmp_path / "run")[1]
    assert info.model == "mlp:64-16-10,readout=linear,decay=0.5,threshold=1.0,normalize=0.3:0.4"
    assert (info.epochs, info.steps, info.config.preset) == (1, 2, "official")
    assert (info.config.learning_rate, len(info.config.augment)) == (0.1, 1)


def test_nothing_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", "--rule", "bptt", "-o", str(tmp_path / "run")]) == 2
    assert "--model, --data, --steps must be given, or --recipe NAME" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_no_gpu(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(tmp_path / "run", device="cuda") == 6
    err = capsys.readouterr().err
    assert "finds no CUDA GPU on this machine. Try the device cpu" in err and len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("module", "options", "message"),
    [
        ("torch.utils.tensorboard", {"tensorboard": "curves"}, "Try: pip install 'tensorboard>=2.15'"),
        ("tonic.datasets", {"data": "tonic:NMNIST"}, "Try: pip install 'tonic>=1.7'"),
    ],
)
def test_missing_packages(
    tmp_path: Path,
    module: str,
    options: dict[str, str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.chdir(tmp_path)
    assert call(tmp_path / "run", **options) == 6
    err = capsys.readouterr().err
    assert message in err and len(err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_bar_on_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert call(tmp_path / "run") == 0
    bars = [line for line in capsys.readouterr().err.split("\r") if "epoch 1/2 [" in line]
    assert re.search(r"\] 21/21 loss \d\.\d{3}  \d+\.\d%  \d\.\d\d spikes/neuron  \d:\d\d left", bars[-1])


def test_rates_of_many_layers() -> None:
    from neurodeploy.cli.train import _rates

    assert _rates({"a": 0.1, "b": 0.25}) == "a 0.100  b 0.250"
    assert _rates({f"lif{i}": i / 100 for i in range(1, 18)}) == "lif1 0.010 to lif17 0.170 (17 layers)"


def test_clock() -> None:
    from neurodeploy.cli.train import _clock

    assert [_clock(s) for s in (0.4, 61.2, 3723.0)] == ["0:00", "1:01", "1:02:03"]


def test_interrupted_in_an_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from neurodeploy.training.progress import Pace

    progress = Pace.progress

    def interrupted(self: Pace, epoch: int, done: int, totals: object) -> object:
        if (epoch, done) == (1, 4):
            os.kill(os.getpid(), signal.SIGINT)
        return progress(self, epoch, done, totals)  # type: ignore[arg-type]

    assert call(tmp_path / "whole", "-q") == 0
    monkeypatch.setattr(Pace, "progress", interrupted)
    assert call(tmp_path / "run") == 130
    err = capsys.readouterr().err
    assert "stopping after this batch; Ctrl-C again stops at once" in err
    assert "stopped after epoch 2, batch 5 of 21; what was kept is in" in err
    monkeypatch.setattr(Pace, "progress", progress)
    assert call(tmp_path / "run", "--resume") == 0
    names = ("weights.safetensors", "optimizer.safetensors")
    for name in names:
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_as_a_module() -> None:
    command = [sys.executable, "-m", "neurodeploy", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("neurodeploy ")


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
