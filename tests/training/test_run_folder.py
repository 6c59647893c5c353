from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save

from neurodeploy.data import load
from neurodeploy.errors import InputError
from neurodeploy.training import TrainedRun, load_run, run_folder, train


class Killed(BaseException):
    """The program ends here."""


def go(folder: Path, resume: bool = False) -> TrainedRun:
    small = load("digits@train").limit(40)
    return train("mlp:64-8-10", small, rule="ottt-a", steps=2, epochs=2, folder=folder, resume=resume)


def kill_after(monkeypatch: pytest.MonkeyPatch, changes: int) -> None:
    """Die before change number `changes` (0-based) to the folder: a file written or renamed."""
    left = [changes]

    def count(act: Callable[..., object]) -> Callable[..., object]:
        def counted(*args: object) -> object:
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return act(*args)

        return counted

    monkeypatch.setattr(run_folder, "write_atomic", count(run_folder.write_atomic))
    monkeypatch.setattr(Path, "replace", count(Path.replace))


def test_killed_anywhere_the_run_loads_and_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    go(tmp_path / "whole")
    whole = (tmp_path / "whole" / "weights.safetensors").read_bytes()
    epochs = []
    for changes in range(100):
        folder = tmp_path / str(changes)
        with pytest.MonkeyPatch.context() as patch:
            kill_after(patch, changes)
            try:
                go(folder)
                break
            except Killed:
                pass
        if (folder / "run.json").exists():
            epochs.append(load_run(folder)[1].epochs_done)
            go(folder, resume=True)
            assert (folder / "weights.safetensors").read_bytes() == whole
            assert not list(folder.glob("*.next"))
    assert len(epochs) >= 12
    assert epochs == sorted(epochs)
    assert set(epochs) == {0, 1, 2}


def test_what_goes_wrong_while_a_folder_is_held_is_not_blamed_on_another_process(tmp_path: Path) -> None:
    with pytest.raises(BlockingIOError, match="a pipe is full"), run_folder.held(tmp_path / "run", True):
        raise BlockingIOError("a pipe is full")


def test_load_run(tmp_path: Path) -> None:
    run = go(tmp_path / "run")
    module, info = load_run(str(tmp_path / "run"))
    assert all(torch.equal(a, b) for a, b in zip(module.parameters(), run.module.parameters(), strict=True))
    assert info == run.info
    assert (info.model, info.steps, info.input_shape) == (
        "mlp:64-8-10,readout=linear,decay=0.5,threshold=1.0",
        2,
        (8, 8),
    )
    assert module(torch.rand(3, 8, 8)).shape == (3, 10)


def change_info(folder: Path, **changes: object) -> None:
    info = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**info, **changes}))


def replace_weights(folder: Path, content: bytes) -> None:
    """Put other weights in, with a digest that fits."""
    import hashlib

    (folder / "weights.safetensors").write_bytes(content)
    files = json.loads((folder / "run.json").read_text())["files"]
    change_info(folder, files={**files, "weights.safetensors": hashlib.sha256(content).hexdigest()})


def flip(folder: Path) -> None:
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")


def nan(folder: Path) -> None:
    tensors = load_file(folder / "weights.safetensors")
    tensors["fc1.bias"] = tensors["fc1.bias"] * float("nan")
    replace_weights(folder, save(tensors))


DAMAGE = [
    (lambda f: (f / "run.json").unlink(), "is no run folder: run.json: No such file"),
    (lambda f: (f / "run.json").write_text('{"schema": "neur'), "run.json is damaged or of another version"),
    (lambda f: change_info(f, schema="neurodeploy.run/9"), r"of another version.*`\$.schema`"),
    (lambda f: change_info(f, extra=1), "unknown field `extra`"),
    (lambda f: change_info(f, model="mlp:64-9999-10"), "does not hold the parameters of mlp:64-9999-10"),
    (lambda f: change_info(f, model="vgg:1"), "run.json: no model 'vgg'"),
    (lambda f: change_info(f, input_shape=[9, 9]), "takes 64 inputs"),
    (flip, "weights.safetensors is missing or damaged: no content with sha256"),
    (lambda f: (f / "weights.safetensors").unlink(), "weights.safetensors is missing or damaged"),
    (lambda f: replace_weights(f, b"\xff" * 40), "is not a safetensors file"),
    (nan, "fc1.bias holds NaN or infinite values"),
]


@pytest.mark.parametrize(("damage", "message"), DAMAGE)
def test_damage_is_named(tmp_path: Path, damage: Callable[[Path], object], message: str) -> None:
    go(tmp_path / "run")
    damage(tmp_path / "run")
    with pytest.raises(InputError, match=message):
        load_run(tmp_path / "run")


def test_lost_metrics_stop_a_resume(tmp_path: Path) -> None:
    go(tmp_path / "run")
    (tmp_path / "run" / "metrics.jsonl").write_text("")
    with pytest.raises(InputError, match=r"metrics.jsonl has 0 epochs, but run.json says 2"):
        go(tmp_path / "run", resume=True)
