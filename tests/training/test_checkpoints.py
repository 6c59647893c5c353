"""Runs of a network with buffers: batch norm's running statistics are part of a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from neurodeploy.data import Dataset, load
from neurodeploy.models import FAMILIES
from neurodeploy.training import LIF, Progress, TrainedRun, Watch, load_run, train
from neurodeploy.training.run_folder import WEIGHTS


@dataclass(frozen=True, slots=True)
class NormedSpec:
    """conv, batch norm, LIF, readout for the digits; one notation, no options."""

    input_shape: tuple[int, ...] = (1, 8, 8)
    classes: int = 10

    def __str__(self) -> str:
        return "normed"

    def layers(self) -> dict[str, nn.Module]:
        conv = nn.Conv2d(1, 4, 3, bias=False)
        return {
            "conv": conv,
            "bn": nn.BatchNorm2d(4),
            "lif": LIF(),
            "flat": nn.Flatten(),
            "fc": nn.Linear(144, 10),
        }

    def initialize(self, network: nn.Module, draw: object) -> None:
        numbers = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for name, tensor in network.state_dict().items():
                tensor.fill_(0)
                if "running_var" in name or name == "bn.weight":
                    tensor.fill_(1)
                elif name in ("conv.weight", "fc.weight"):
                    tensor.uniform_(-0.3, 0.3, generator=numbers)

    def check_input(self, shape: tuple[int, ...]) -> None:
        assert shape == self.input_shape


def images() -> Dataset:
    digits = load("digits@train").limit(200)
    return Dataset("images", "all", "images.npz", digits.x[:, None], digits.y, 10, False, "", "")


def go(folder: Path, rule: str, **over: object) -> TrainedRun:
    settings = {"steps": 3, "epochs": 2, "folder": folder, **over}
    return train("normed", images(), rule=rule, test=images(), **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("rule", ["rate-m", "rate-s", "bptt"])
def test_resumed_run_equals_an_uninterrupted_one(
    tmp_path: Path, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FAMILIES, "normed", lambda text: NormedSpec())

    def stop(progress: Progress) -> None:
        if (progress.epoch, progress.done) == (2, 2):
            raise KeyboardInterrupt

    whole = go(tmp_path / "whole", rule)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path / "parts", rule, watch=Watch(batch=stop))
    parts = go(tmp_path / "parts", rule, resume=True)
    assert (tmp_path / "parts" / WEIGHTS).read_bytes() == (tmp_path / "whole" / WEIGHTS).read_bytes()
    assert parts.metrics[1].test_accuracy == whole.metrics[1].test_accuracy
    module, _ = load_run(tmp_path / "parts")
    state = module.state_dict()
    assert int(state["bn.num_batches_tracked"]) == 8 * (1 if rule == "rate-m" else 3)
    assert not np.allclose(state["bn.running_mean"].numpy(), 0)
