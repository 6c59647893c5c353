from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from neurodeploy.data import Dataset, load
from neurodeploy.errors import GateError, InputError, UsageError
from neurodeploy.training import (
    EpochMetrics,
    Progress,
    TrainConfig,
    TrainedRun,
    Watch,
    accuracy,
    load_run,
    make_config,
    predict,
    train,
)
from neurodeploy.training.optimizers import Adam, Tensors

MODEL = "mlp:64-32-10"


def data(n: int = 200) -> Dataset:
    return load("digits@train").limit(n)


def flickering(n: int = 120, steps: int = 4) -> Dataset:
    """The digits as random binary frames: `(N, T, 8, 8)`."""
    still = data(n)
    draw = np.random.default_rng(0)
    x = (draw.random((n, steps, 8, 8)) < still.x[:, None]).astype(np.float32)
    return Dataset("flicker", "all", "flicker.npz", x, still.y, 10, True, "", "")


def quick(folder: Path | None = None, **over: object) -> TrainedRun:
    settings = {
        "rule": "ottt-a",
        "steps": 4,
        "epochs": 3,
        "test": load("digits").limit(100),
        "folder": folder,
    }
    return train(MODEL, data(), **{**settings, **over})


def weights(run: TrainedRun) -> bytes:
    return b"".join(p.detach().numpy().tobytes() for p in run.module.parameters())


@pytest.mark.parametrize("readout", ["linear", "spiking"])
def test_learns_the_digits(readout: str) -> None:
    run = train(
        f"mlp:64-128-10,readout={readout}",
        load("digits@train"),
        rule="ottt-a",
        steps=8,
        epochs=15,
        test=load("digits"),
    )
    assert run.info.last_test_accuracy is not None
    assert run.info.last_test_accuracy >= 0.955
    assert run.metrics[-1].loss < run.metrics[0].loss
    assert accuracy(run.module, load("digits"), 8) == run.info.last_test_accuracy


def test_online_rule_updates_at_every_step() -> None:
    config = TrainConfig(batch_size=10)
    a, o = quick(rule="ottt-a", epochs=10, config=config), quick(rule="ottt-o", epochs=10, config=config)
    assert weights(a) != weights(o)
    assert o.info.config.learning_rate == 3e-4
    assert o.metrics[-1].train_accuracy > 0.5


def test_learns_from_time_varying_data() -> None:
    config = TrainConfig(learning_rate=0.01, batch_size=16)
    run = train(MODEL, flickering(), rule="ottt-a", steps=4, epochs=15, config=config)
    assert run.info.time_axis
    assert run.info.input_shape == (8, 8)
    assert run.metrics[-1].train_accuracy > 0.8
    assert run.metrics[-1].test_accuracy is None


@pytest.mark.parametrize("rule", ["rate-m", "rate-s", "bptt"])
def test_other_rules_learn_the_digits(rule: str) -> None:
    run = train("mlp:64-128-10", load("digits@train"), rule=rule, steps=4, epochs=15, test=load("digits"))
    assert run.info.last_test_accuracy is not None
    assert run.info.last_test_accuracy >= 0.95
    assert run.info.config.learning_rate == 0.002
    assert run.info.config.options["surrogate"] == "sigmoid"


@pytest.mark.parametrize("rule", ["ottt-a", "ottt-o", "rate-m", "rate-s", "bptt"])
def test_same_seed_same_bytes(rule: str) -> None:
    first = quick(rule=rule)
    assert weights(first) == weights(quick(rule=rule))
    assert weights(first) != weights(quick(rule=rule, seed=1))


def test_bytes_do_not_depend_on_the_threads_there_are() -> None:
    first = quick()
    torch.set_num_threads(2)
    try:
        assert weights(quick()) == weights(first)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


@pytest.mark.parametrize(
    ("rule", "optimizer"),
    [
        ("ottt-a", "adam"),
        ("ottt-a", "sgd"),
        ("ottt-o", "adam"),
        ("rate-m", "sgd"),
        ("rate-s", "adam"),
        ("bptt", "adam"),
    ],
)
def test_resumed_run_equals_an_uninterrupted_one(tmp_path: Path, rule: str, optimizer: str) -> None:
    config = TrainConfig(optimizer=optimizer, weight_decay=1e-4)

    def stop(progress: Progress) -> None:
        if (progress.epoch, progress.done) == (2, 2):
            raise KeyboardInterrupt

    whole = quick(tmp_path / "whole", rule=rule, config=config)
    with pytest.raises(KeyboardInterrupt):
        quick(tmp_path / "parts", rule=rule, config=config, watch=Watch(batch=stop))
    assert load_run(tmp_path / "parts")[1].epochs_done == 1
    parts = quick(tmp_path / "parts", rule=rule, config=config, resume=True)
    assert weights(parts) == weights(whole)
    for name in ("weights.safetensors", "optimizer.safetensors"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()
    assert [m.loss for m in parts.metrics] == [m.loss for m in whole.metrics]


def test_augmented_run_resumes_bit_for_bit(tmp_path: Path) -> None:
    config = make_config({"augment": [{"kind": "crop", "padding": 1}, {"kind": "cutout", "size": 2}]}, "here")
    whole = quick(epochs=3, config=config)
    assert weights(whole) != weights(quick(epochs=3))

    def stop(metrics: EpochMetrics) -> None:
        if metrics.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quick(tmp_path / "run", epochs=3, config=config, watch=Watch(epoch=stop))
    assert weights(quick(tmp_path / "run", epochs=3, config=config, resume=True)) == weights(whole)


def test_resuming_a_finished_run_changes_nothing(tmp_path: Path) -> None:
    first = quick(tmp_path / "run")
    again = quick(tmp_path / "run", resume=True)
    assert (weights(again), again.info) == (weights(first), first.info)


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"steps": 5}, "cannot resume: steps was 4, now 5"),
        ({"seed": 3}, "cannot resume: seed was 0, now 3"),
        ({"epochs": 9}, "cannot resume: epochs was 3, now 9"),
        ({"rule": "ottt-o"}, "cannot resume: rule was 'ottt-a', now 'ottt-o'"),
        ({"config": TrainConfig(learning_rate=0.5)}, "config.learning_rate was 0.002, now 0.5"),
    ],
)
def test_resume_with_other_settings(tmp_path: Path, over: dict[str, object], message: str) -> None:
    quick(tmp_path / "run")
    with pytest.raises(UsageError, match=message):
        quick(tmp_path / "run", resume=True, **over)


def test_resume_with_other_data(tmp_path: Path) -> None:
    quick(tmp_path / "run")
    with pytest.raises(UsageError, match="cannot resume: data_sha256"):
        train(
            MODEL,
            data(199),
            rule="ottt-a",
            steps=4,
            epochs=3,
            test=load("digits"),
            folder=tmp_path / "run",
            resume=True,
        )


def test_resume_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no run to resume"):
        quick(tmp_path / "none", resume=True)


def test_existing_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "note").write_text("mine")
    with pytest.raises(UsageError, match=r"exists. Choose another with -o RUN"):
        quick(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["note"]


def test_divergence_is_refused_and_the_last_epoch_kept(tmp_path: Path) -> None:
    config = TrainConfig(optimizer="sgd", learning_rate=1000, options={"eta": 1.0}, batch_size=8)
    with pytest.raises(
        GateError, match=r"diverged in epoch 1, batch \d.*of layer 'fc.'.*Try --learning-rate 100"
    ):
        quick(tmp_path / "run", config=config)
    module, info = load_run(tmp_path / "run")
    assert info.epochs_done == 0
    assert all(bool(torch.isfinite(p).all()) for p in module.parameters())


def test_nan_weights_without_a_nan_loss_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neurons with NaN potentials stay silent, so a spiking readout's loss stays finite."""

    def spoil(self: Adam, parameters: Tensors, gradients: Tensors, learning_rate: float) -> None:
        parameters["fc1.weight"][0] = float("nan")

    monkeypatch.setattr(Adam, "update", spoil)
    with pytest.raises(GateError, match=r"batch 1: loss \d.\d*, weight of layer 'fc1' is not finite"):
        train("mlp:64-32-10,readout=spiking", data(), rule="ottt-a", steps=4)


@pytest.mark.parametrize(
    ("model", "over", "error", "message"),
    [
        ("mlp:784-10", {}, UsageError, "takes 784 inputs, but a time step of the data has 64"),
        ("mlp:64-9", {}, InputError, "sample 33 has label 9, but the model has 9 classes"),
        (MODEL, {"steps": 0}, UsageError, "time steps must be 1 or more, not 0"),
        (MODEL, {"seed": 2**63}, UsageError, "the seed must be in 0..2"),
        (MODEL, {"epochs": 0}, UsageError, "epochs must be 1 or more, not 0"),
        (
            MODEL,
            {"rule": "rate"},
            UsageError,
            "no training rule 'rate'. There are ottt-a, ottt-o, rate-m, rate-s",
        ),
        (
            MODEL,
            {"config": TrainConfig(preset="best")},
            UsageError,
            "no preset 'best' of this rule. There are official, rec",
        ),
        (MODEL, {"config": TrainConfig(options={"eta": 2})}, UsageError, r"eta must be in \[0, 1\], not 2"),
        (MODEL, {"config": TrainConfig(options={"tau": 2})}, UsageError, "no option 'tau' of this rule"),
        (MODEL, {"test": flickering(steps=3)}, UsageError, "the data have 3 time steps, not 4"),
    ],
)
def test_refuses(model: str, over: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        train(model, data(), **{"rule": "ottt-a", "steps": 4, **over})


def test_data_without_labels() -> None:
    bare = Dataset("bare", "all", "bare.npz", data().x, None, 0, False, "", "")
    with pytest.raises(InputError, match=r"bare.npz has no labels"):
        train(MODEL, bare, rule="ottt-a", steps=4)
    assert predict(quick(epochs=1).module, bare, 4).shape == (200,)


def test_metrics_and_dictionary(tmp_path: Path) -> None:
    run = quick(tmp_path / "run")
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert [msgspec.json.decode(line)["epoch"] for line in lines] == [1, 2, 3]
    assert 0 < run.metrics[0].firing_rates["lif1"] < 1
    assert run.to_dict()["config"]["learning_rate"] == 0.002
    assert run.to_dict()["status"] == "done"
