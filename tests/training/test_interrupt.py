"""Ctrl-C in the middle of an epoch: the batch is finished and kept, and the run goes on bit for bit."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from functools import partial
from pathlib import Path

import pytest

from neurodeploy.data import load
from neurodeploy.training import (
    EpochMetrics,
    Progress,
    TrainedRun,
    Watch,
    interrupt,
    load_run,
    make_config,
    train,
)
from neurodeploy.training.interrupt import Interrupt
from neurodeploy.training.run_folder import INTERRUPTED, read_info

CONFIG = make_config({"batch_size": 30, "augment": [{"kind": "crop", "padding": 1}]}, "here")
FILES = ("weights.safetensors", "optimizer.safetensors")


def go(folder: Path, *stops: tuple[int, int], kind: int = signal.SIGINT, **over: object) -> TrainedRun:
    """Train for two epochs of 7 batches; at each (epoch, batch) of `stops` the process gets a signal."""

    def batch(progress: Progress) -> None:
        if (progress.epoch, progress.done) in stops:
            os.kill(os.getpid(), kind)

    settings = {"rule": "ottt-a", "steps": 3, "epochs": 2, "test": load("digits").limit(50), "config": CONFIG}
    data = load("digits@train").limit(200)
    return train("mlp:64-16-10", data, folder=folder, watch=Watch(batch=batch), **{**settings, **over})


def bytes_of(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in FILES]


def numbers(run: TrainedRun) -> list[dict[str, object]]:
    """The metrics without the seconds."""
    lines = run.to_dict()["metrics"]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_goes_on_after_the_last_whole_batch(tmp_path: Path, kind: int) -> None:
    whole = go(tmp_path / "whole")
    parts = tmp_path / "parts"
    with pytest.raises(KeyboardInterrupt, match="stopped after epoch 2, batch 3 of 7"):
        go(parts, (2, 2), kind=kind)
    info = read_info(parts)
    assert (info.epochs_done, info.status) == (1, "running")
    assert info.interrupted is not None and info.interrupted.batches == 3
    assert load_run(parts)[1].last_test_accuracy == whole.metrics[0].test_accuracy
    with pytest.raises(KeyboardInterrupt, match="batch 6 of 7"):
        go(parts, (2, 5), kind=kind, resume=True)
    resumed = go(parts, resume=True)
    assert bytes_of(parts) == bytes_of(tmp_path / "whole")
    assert numbers(resumed) == numbers(whole)
    assert not (parts / INTERRUPTED).exists()
    assert read_info(parts).interrupted is None


def test_the_weights_of_the_run_stay_those_of_the_whole_epoch(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "run", (1, 3))
    first = go(tmp_path / "one", epochs=1, config=CONFIG).module
    module, info = load_run(tmp_path / "run")
    assert info.epochs_done == 0
    fresh = dict(first.named_parameters())
    assert any(not fresh[name].equal(p) for name, p in module.named_parameters())


def test_after_the_last_batch_only_the_test_is_left(tmp_path: Path) -> None:
    whole = go(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt, match="epoch 1, batch 7 of 7"):
        go(tmp_path / "parts", (1, 6))
    assert numbers(go(tmp_path / "parts", resume=True)) == numbers(whole)


def test_during_the_test_the_epoch_is_kept_first(tmp_path: Path) -> None:
    """A signal that comes after the last batch stops the next epoch after its first."""
    seen: list[EpochMetrics] = []

    def epoch(metrics: EpochMetrics) -> None:
        seen.append(metrics)
        os.kill(os.getpid(), signal.SIGINT)

    run = partial(train, "mlp:64-16-10", load("digits@train").limit(200), rule="bptt", steps=2, epochs=2)
    with pytest.raises(KeyboardInterrupt, match="epoch 2, batch 1"):
        run(folder=tmp_path / "run", watch=Watch(epoch=epoch))
    assert len(seen) == 1 and read_info(tmp_path / "run").epochs_done == 1


@pytest.mark.parametrize("said", [False, True])
def test_killed_while_keeping(tmp_path: Path, said: bool) -> None:
    """Tensors count where run.json says so, under either name; it says so second."""
    go(tmp_path / "whole")
    first, second = tmp_path / "first", tmp_path / "second"
    with pytest.raises(KeyboardInterrupt):
        go(first, (2, 2))
    shutil.copytree(first, second)
    with pytest.raises(KeyboardInterrupt):
        go(second, (2, 5), resume=True)
    shutil.copy(second / INTERRUPTED, first / f"{INTERRUPTED}.next")
    if said:
        shutil.copy(second / "run.json", first / "run.json")
    go(first, resume=True)
    assert bytes_of(first) == bytes_of(tmp_path / "whole")
    assert not list(first.glob("interrupted*"))


def test_a_later_signal_stops_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupt, "_AT_ONCE", -1.0)
    told: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    with Interrupt(lambda: told.append(1)) as found:
        os.kill(os.getpid(), signal.SIGINT)
        assert found.asked
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
    assert told == [1]
    assert signal.getsignal(signal.SIGINT) is before


def test_signals_close_together_count_as_one() -> None:
    with Interrupt(lambda: None) as found:
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGINT)
        assert found.asked


def test_in_another_thread_nothing_changes() -> None:
    handlers: list[object] = []

    def enter() -> None:
        with Interrupt(lambda: None):
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGINT)]
