"""Weights that stay on the compiler's grid while they are trained."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from neurodeploy import backend
from neurodeploy.cli import main as cli
from neurodeploy.compiler import CompileConfig, QuantConfig, compile
from neurodeploy.data import Dataset, load
from neurodeploy.errors import InputError, UnsupportedError, UsageError
from neurodeploy.network import Network
from neurodeploy.training import LIF, TrainConfig, TrainedRun, Watch, load_run, make_plan, train
from neurodeploy.training.modules import Normalize, ScaledWSConv2d
from neurodeploy.training.optimizers import SGD
from neurodeploy.training.quantizable import quantizable_weights
from neurodeploy.training.quantized import StraightThrough

MLP = "mlp:64-32-10"


def digits(n: int = 120) -> Dataset:
    return load("digits@train").limit(n)


def tuned(model: str, bits: int, rule: str = "ottt-a", **over: object) -> TrainedRun:
    settings = {"steps": 4, "epochs": 1, "config": TrainConfig(quantize=bits, batch_size=20)}
    return train(model, digits(), rule=rule, **{**settings, **over})


def compiled(run: TrainedRun, bits: int, **quant: object) -> Network:
    config = CompileConfig(quant=QuantConfig(**quant))  # type: ignore[arg-type]
    return compile(run.module, digits().x, steps=4, bits=bits, config=config)


def scales(network: Network) -> list[float]:
    return [record["scale"] for record in network.provenance["layers"].values() if "scale" in record]


def exact(network: Network) -> list[bool]:
    return [record["exact"] for record in network.provenance["layers"].values() if "exact" in record]


@pytest.mark.parametrize(
    ("bits", "quant"),
    [(2, {}), (3, {"clip": "mse"}), (4, {}), (8, {}), (2, {"rounding": "gptq", "clip": "mse"})],
)
def test_compiling_loses_nothing(bits: int, quant: dict[str, str]) -> None:
    run = tuned(MLP, bits)
    network = compiled(run, bits, **quant)
    assert exact(network) == [True, True]
    for name, op, scale in zip(("fc1", "fc2"), weights_of(network), scales(network), strict=True):
        trained = run.module.get_submodule(name).weight.detach().numpy()
        assert np.array_equal(trained, np.float32(scale) * op)
        assert abs(op).max() == 2 ** (bits - 1) - 1
        assert len(np.unique(op)) > 2


def least_sqnr(network: Network) -> float:
    """In dB; a step times a factor of the network is a rounded number, so that a layer may not be exact."""
    records = [record for record in network.provenance["layers"].values() if "bits" in record]
    assert not any(record["clipped"] for record in records)
    return min(record["sqnr_db"] or float("inf") for record in records)


def weights_of(network: Network) -> list[np.ndarray]:
    return [np.asarray(network.graph.op(name).weight_q) for name in ("fc1", "fc2")]  # type: ignore[attr-defined]


@pytest.mark.parametrize("rule", ["ottt-a", "ottt-o", "rate-m", "rate-s", "bptt"])
def test_every_rule_learns_on_the_grid(rule: str) -> None:
    config = TrainConfig(quantize=2, batch_size=10, learning_rate=0.01 if rule != "ottt-o" else 0.002)
    run = tuned(MLP, 2, rule, epochs=10, config=config)
    assert exact(compiled(run, 2)) == [True, True]
    assert run.metrics[-1].train_accuracy > max(0.5, run.metrics[0].train_accuracy)


def test_events_learn_on_the_grid() -> None:
    run = tuned("event:64-32-10,standardize=no", 3, "event", epochs=2)
    assert least_sqnr(compiled(run, 3)) > 120


def test_pools_and_convolutions_stay_on_the_grid() -> None:
    run = tuned("convnet:4C3s1p1-AP2-6C3s1p1-AP2-10,input=8x8", 3, "bptt")
    assert exact(compiled(run, 3)) == [True, True, True]


def test_fine_tuning_wins_back_what_rounding_loses(tmp_path: Path) -> None:
    real = train("mlp:64-64-10", load("digits@train"), rule="ottt-a", steps=4, epochs=8, folder=tmp_path)
    tuned_run = train(
        "mlp:64-64-10",
        load("digits@train"),
        rule="ottt-a",
        steps=4,
        epochs=2,
        test=load("digits"),
        start=tmp_path,
        config=TrainConfig(quantize=2, learning_rate=2e-3),  # few updates: as fast as from scratch
    )
    held_out = load("digits")

    def accuracy(run: TrainedRun, **quant: str) -> float:
        result = backend.run(compiled(run, 2, **quant), held_out.x)
        return float((result.prediction == held_out.y).mean())

    assert accuracy(tuned_run) > accuracy(real, clip="mse") + 0.02
    assert accuracy(tuned_run) > 0.9


def test_gradient_passes_the_rounding_and_ends_hold_weights() -> None:
    weight = torch.tensor([[-3.0, -1.0, 0.2, 3.0]])
    parameters = {"fc.weight": weight, "fc.bias": torch.zeros(1)}
    optimizer = StraightThrough(SGD(parameters, 0.0, 0.0), parameters, ["fc.weight"], 3)
    assert optimizer.state["fc.weight/step"] == 1.0
    assert weight.tolist() == [[-3.0, -1.0, 0.0, 3.0]]
    gradients = {"fc.weight": torch.tensor([[1.0, 0.4, -0.4, 0.3]]), "fc.bias": torch.ones(1)}
    optimizer.update(parameters, gradients, 1.0)
    real = torch.tensor([[-3.0, -1.4, 0.6, 2.7]])
    torch.testing.assert_close(optimizer.state["fc.weight/real"], real)
    assert weight.tolist() == [[-3.0, -1.0, 1.0, 3.0]]
    assert parameters["fc.bias"].tolist() == [-1.0]


def test_largest_weight_stays_at_the_end() -> None:
    weight = torch.tensor([[0.0, -1.0, 3.0]])
    optimizer = StraightThrough(SGD({"w": weight}, 0.0, 0.0), {"w": weight}, ["w"], 3)
    optimizer.update({"w": weight}, {"w": torch.tensor([[0.0, 0.0, 1.8]])}, 1.0)
    assert weight.tolist() == [[0.0, -1.0, 3.0]]
    assert optimizer.state["w/real"][0, 2] == pytest.approx(1.2)


def test_zero_weights_have_no_grid() -> None:
    parameters = {"fc.weight": torch.zeros(2, 3)}
    with pytest.raises(InputError, match=r"all 6 numbers in fc.weight are zero.*4 bits"):
        StraightThrough(SGD(parameters, 0.0, 0.0), parameters, ["fc.weight"], 4)


def test_resumed_to_the_same_bytes(tmp_path: Path) -> None:
    def go(folder: Path, epochs_seen: int | None = None, resume: bool = False) -> bytes:
        class Stop(Exception):
            pass

        def stop(_: object) -> None:
            if epochs_seen == 1:
                raise Stop

        with suppress(Stop):
            tuned(MLP, 2, epochs=3, folder=folder, resume=resume, watch=Watch(epoch=stop))
        return (folder / "weights.safetensors").read_bytes()

    whole = go(tmp_path / "whole")
    assert go(tmp_path / "cut", 1) != whole
    assert go(tmp_path / "cut", resume=True) == whole


def test_start_takes_weights_and_remembers_whose(tmp_path: Path) -> None:
    first = train(MLP, digits(), rule="ottt-a", steps=4, epochs=1, folder=tmp_path / "a")
    again = train(MLP, digits(), rule="bptt", steps=4, epochs=1, folder=tmp_path / "b", start=tmp_path / "a")
    assert again.info.start_sha256 == first.info.files["weights.safetensors"]
    assert load_run(tmp_path / "b")[1].start_sha256 == again.info.start_sha256
    fresh = train(MLP, digits(), rule="bptt", steps=4, epochs=1)
    assert again.metrics[0].loss < fresh.metrics[0].loss
    with pytest.raises(UsageError, match=r"is a run of mlp:64-32-10.*, not of mlp:64-16-10"):
        train("mlp:64-16-10", digits(), rule="bptt", steps=4, start=tmp_path / "a")


def test_trained_weights_get_used_to_their_rounding_at_a_tenth_of_the_rate(tmp_path: Path) -> None:
    rate = train(MLP, digits(), rule="bptt", steps=4, epochs=1, folder=tmp_path).info.config.learning_rate
    assert rate

    def used(**settings: object) -> float | None:
        config = TrainConfig(**settings)  # type: ignore[arg-type]
        return train(
            MLP, digits(), rule="bptt", steps=4, epochs=1, start=tmp_path, config=config
        ).info.config.learning_rate

    assert used(quantize=4) == pytest.approx(rate / 10)
    assert used() == rate
    assert used(quantize=4, learning_rate=0.01) == 0.01


def test_plan_takes_from_the_run_what_is_not_said(tmp_path: Path) -> None:
    train(MLP, digits(), rule="ottt-a", steps=4, epochs=1, folder=tmp_path)
    plan = make_plan({"steps": 6}, {"quantize": 3}, {}, start=tmp_path)
    assert (plan.rule, plan.steps, plan.config.quantize) == ("ottt-a", 6, 3)
    assert plan.model.startswith(MLP)
    with pytest.raises(UsageError, match=r"quantize"):
        make_plan({}, {"quantize": 1}, {}, start=tmp_path)


REFUSED = {
    "BatchNorm2d": [nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), LIF()],
    "ScaledWSConv2d": [ScaledWSConv2d(1, 2, 3), LIF()],
    "pass a AvgPool2d before they reach neurons": [nn.Conv2d(1, 2, 3), nn.AvgPool2d(2), LIF()],
    "overlap": [nn.AvgPool2d(3, 1), nn.Conv2d(1, 2, 3), LIF()],
    "own standard deviation": [Normalize((0.0, 0.0), (1.0, 2.0)), nn.Conv2d(2, 2, 3), LIF()],
}


@pytest.mark.parametrize("reason", REFUSED)
def test_layers_that_leave_the_grid_are_refused(reason: str) -> None:
    with pytest.raises(UnsupportedError, match=reason):
        quantizable_weights(nn.Sequential(*REFUSED[reason]))


def test_refused_before_any_work(tmp_path: Path) -> None:
    refused = (
        r"layer 'fc1' \(StandardizedLinear\) cannot be trained for integer weights.*Leave out --quantize"
    )
    with pytest.raises(UnsupportedError, match=refused):
        tuned("event:64-32-10", 4, "event", folder=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "VERBS", ("train",))
    train(MLP, digits(), rule="ottt-a", steps=2, epochs=1, folder=tmp_path / "real")
    np.savez(tmp_path / "few.npz", x=digits().x, y=digits().y)
    said = ["--start", str(tmp_path / "real"), "--data", str(tmp_path / "few.npz")]
    assert cli.main(["train", *said, "--quantize", "3", "--epochs", "1", "-o", str(tmp_path / "whole")]) == 0
    assert f"neurodeploy compile {tmp_path / 'whole'} --bits 3 " in capsys.readouterr().err
    assert load_run(tmp_path / "whole")[1].config.quantize == 3
    assert cli.main(["train", *said, "--quantize", "1", "-o", str(tmp_path / "none")]) == 2
    assert "quantize" in capsys.readouterr().err
