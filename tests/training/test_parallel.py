"""Two processes train as one does on the joint batch."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from neurodeploy.cli.main import main
from neurodeploy.data import Dataset, load
from neurodeploy.errors import BackendFailed
from neurodeploy.training import ALONE, Peers, TrainConfig, joined, load_run, make_config
from neurodeploy.training.batches import Batches
from neurodeploy.training.description import describe
from neurodeploy.training.rule import Outcome
from neurodeploy.training.totals import Totals, joint
from tests.training import parallel_worker

ROOT = Path(__file__).parents[2]


def torchrun(*command: object) -> subprocess.CompletedProcess[str]:
    """Two processes that meet at a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    two = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(port))
    surroundings = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*two, *map(str, command)], capture_output=True, text=True, cwd=ROOT, env=surroundings, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done


def difference(a: Path, b: Path) -> float:
    """The largest, over all tensors."""
    one, other = load_file(a), load_file(b)
    assert one.keys() == other.keys()
    return max(float((one[name] - other[name]).abs().max()) for name in one)


def test_every_rule_in_double_precision(tmp_path: Path) -> None:
    parallel_worker.main(str(tmp_path / "one"))
    torchrun(parallel_worker.__file__, tmp_path / "two")
    assert difference(tmp_path / "one", tmp_path / "two") < 1e-12


def test_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('batch_size = 130\n[[augment]]\nkind = "crop"\npadding = 1\n')
    what = [
        "--model",
        "mlp:64-64-10",
        "--data",
        "digits",
        "--rule",
        "ottt-a",
        "--steps",
        "4",
        "--epochs",
        "1",
    ]
    command = ["train", *what, "--config", str(tmp_path / "a.toml"), "-o"]
    assert main([*command, str(tmp_path / "one")]) == 0
    done = torchrun("-m", "neurodeploy", *command, tmp_path / "two")
    assert difference(*(tmp_path / name / "weights.safetensors" for name in ("one", "two"))) < 1e-6
    assert done.stdout.count("test accuracy") == 1
    assert done.stderr.count("epoch 1/1") == 1
    infos = [load_run(tmp_path / name)[1] for name in ("one", "two")]
    assert [info.processes for info in infos] == [1, 2]
    assert infos[0].last_test_accuracy == pytest.approx(infos[1].last_test_accuracy, abs=0.005)


def batches(peers: Peers, config: TrainConfig, samples: int = 23) -> Batches:
    data = load("digits@train").limit(samples)
    info = describe("mlp:64-10", data, None, "bptt", 2, 1, config, 3)
    return Batches(data, info, peers)


def test_shares_make_the_joint_batches() -> None:
    config = make_config({"batch_size": 7, "augment": [{"kind": "crop", "padding": 1}]}, "here")
    whole = [batch for batch, _ in batches(ALONE, config).shares(2)]
    parts = [list(batches(Peers(rank, 3), config).shares(2)) for rank in range(3)]
    assert [len(batch.labels) for batch in whole] == [7, 7, 7, 2]
    for number, joint_batch in enumerate(whole):
        own = [part[number] for part in parts]
        assert sum(batch.weight for batch, _ in own) == pytest.approx(1.0)
        assert [counted for _, counted in own] == ([3, 2, 2] if number < 3 else [1, 1, 0])
        for rank, (batch, counted) in enumerate(own):
            assert torch.equal(batch.x[:counted], joint_batch.x[rank::3])
            assert len(batch.labels) == max(counted, 1)


def test_an_epoch_can_be_begun_at_any_batch() -> None:
    config = make_config({"batch_size": 7, "augment": [{"kind": "crop", "padding": 1}]}, "here")
    of = batches(ALONE, config)
    later = [batch.x for batch, _ in of.shares(1, first=2)]
    assert [torch.equal(a, b.x) for a, (b, _) in zip(later, list(of.shares(1))[2:], strict=True)] == [
        True,
        True,
    ]
    assert torch.equal(of.whole().x, next(of.shares(0))[0].x)


def test_alone() -> None:
    with joined(torch.device("cpu")) as peers:
        assert (peers.rank, peers.size, peers.leads) == (0, 1, True)
        values = {"a": torch.ones(2)}
        assert peers.add(values) is values
        assert joint(Outcome(1.5, 3), 4, True, peers) == (Outcome(1.5, 3), 4, True)


def test_totals_of_unequal_batches() -> None:
    totals = Totals().plus(Outcome(2.0, 1, {"lif": 0.5}, 3.0), 4).plus(Outcome(1.0, 2, {"lif": 0.25}, 1.0), 2)
    assert (totals.mean(totals.loss), totals.correct, totals.samples) == (pytest.approx(10 / 6), 3, 6)
    assert totals.firing_rates == {"lif": 2.5} and totals.mean(totals.spikes) == pytest.approx(14 / 6)


def test_lost_peers_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(tensor: torch.Tensor) -> None:
        raise RuntimeError("Connection closed by peer\nmore")

    monkeypatch.setattr(torch.distributed, "all_reduce", broken)
    with pytest.raises(
        BackendFailed, match=r"process 1 of 2 lost the others: Connection closed by peer\. Their"
    ):
        Peers(1, 2).wait()


def test_time_axis() -> None:
    still = load("digits@train").limit(5)
    moving = Dataset("m", "all", "m.npz", np.repeat(still.x[:, None], 2, 1), still.y, 10, True, "", "")
    info = describe("mlp:64-10", moving, None, "bptt", 2, 1, TrainConfig(batch_size=4), 0)
    first, _ = next(Batches(moving, info, Peers(1, 2)).shares(0))
    assert first.x.shape == (2, 2, 8, 8) and first.time_axis
