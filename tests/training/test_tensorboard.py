from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from neurodeploy.errors import BackendMissing, InputError
from neurodeploy.training import EpochMetrics
from neurodeploy.training.tensorboard import Board, points

LINE = EpochMetrics(
    epoch=3,
    learning_rate=0.1,
    loss=0.5,
    train_accuracy=0.75,
    test_accuracy=0.5,
    firing_rates={"lif1": 0.25},
    spikes_per_neuron=2.0,
    seconds=1.0,
)


class Writer:
    """What torch's SummaryWriter does, in a list."""

    def __init__(self, folder: str) -> None:
        self.folder, self.written, self.closed = folder, [], False
        made.append(self)

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.written.append((name, value, step))

    def close(self) -> None:
        self.closed = True


made: list[Writer] = []


def test_curves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = ModuleType("torch.utils.tensorboard")
    fake.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    with Board(tmp_path / "a" / "b") as board:
        board.add(LINE)
    assert (made[-1].folder, made[-1].closed) == (str(tmp_path / "a" / "b"), True)
    assert ("firing rate/lif1", 0.25, 3) in made[-1].written
    assert {name: value for name, value, _ in made[-1].written} == points(LINE)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot make .*file: "):
        Board(tmp_path / "file")


def test_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(
        BackendMissing, match=r"tensorboard is not installed\. Try: pip install 'tensorboard>=2.15'"
    ):
        Board(tmp_path)


def test_real_files(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with Board(tmp_path) as board:
        board.add(LINE)
    found = EventAccumulator(str(tmp_path))
    found.Reload()
    assert sorted(found.Tags()["scalars"]) == sorted(points(LINE))
    assert found.Scalars("spikes per neuron")[0].value == 2.0
