"""Sets of tonic, which a stand-in plays; the package itself where it is installed."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pytest

from neurodeploy.data import load
from neurodeploy.errors import BackendMissing, InputError, UnsupportedError, UsageError

EVENTS = np.array(
    [(0, 0, 0, 0), (10, 7, 3, 1), (20, 2, 1, 1), (90, 7, 3, 1), (99, 5, 0, 0)],
    dtype=[("t", "u8"), ("x", "i2"), ("y", "i2"), ("p", "?")],
)


class Cards:
    """Divided by tonic."""

    sensor_size: ClassVar = (8, 4, 2)

    def __init__(self, save_to: str, train: bool = True) -> None:
        self.save_to, self.targets = save_to, [0, 1, 2] if train else [1, 0]

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.void], int]:
        return EVENTS[: index + 2], self.targets[index]


class Undivided(Cards):
    """20 files of two classes, in no order; a file's number is its number of events."""

    def __init__(self, save_to: str) -> None:
        self.data = [f"/{label}/event_{i}.bin" for label in (1, 0) for i in (10, 2, 1, 3, 4, 5, 6, 7, 8, 9)]
        self.targets = [1] * 10 + [0] * 10

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.void], int]:
        count = int(self.data[index].split("_")[1][:-4])
        return np.repeat(EVENTS[:1], count), self.targets[index]


class Sound(Cards):
    """One row and one polarity, which tonic numbers 1; labels are read with the events."""

    sensor_size: ClassVar = (8, 1, 1)

    def __init__(self, save_to: str, split: str = "train") -> None:
        self.split = split

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.void], np.int64]:
        events = np.array([(5, 3, 1), (6, 3, 1)], dtype=[("t", "i8"), ("x", "i8"), ("p", "i8")])
        return events, np.int64(index)


class Unsized(Cards):
    sensor_size: ClassVar = None


class Eyes(Cards):
    def __init__(self, save_to: str, train: bool = True) -> None:
        self.targets = ["left"]


class Broken(Cards):
    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.void], int]:
        raise RuntimeError("bad header")


class Absent:
    def __init__(self, save_to: str) -> None:
        raise OSError("no network")


class Empty(Cards):
    def __len__(self) -> int:
        return 0


class Outside(Cards):
    sensor_size: ClassVar = (4, 4, 2)


@pytest.fixture(autouse=True)
def tonic(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if request.node.name == "test_the_package_itself":
        return
    sets = ModuleType("tonic.datasets")
    kinds = (Cards, Undivided, Sound, Unsized, Eyes, Broken, Absent, Empty, Outside)
    for kind in kinds:
        setattr(sets, kind.__name__, kind)
    package = ModuleType("tonic")
    package.datasets = sets  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tonic", package)
    monkeypatch.setitem(sys.modules, "tonic.datasets", sets)


def test_by_time_and_by_count() -> None:
    data = load("tonic:Cards@train", 2)
    assert (data.x.shape, data.y.tolist(), data.classes) == ((3, 2, 2, 4, 8), [0, 1, 2], 3)  # type: ignore[union-attr]
    assert data.time_axis and data.spec == "tonic:Cards@train"
    assert data.x.sum((2, 3, 4)).tolist() == [[1, 1], [2, 1], [3, 1]]
    assert data.x[2, 1, 1, 3, 7] == 1
    assert load("tonic-count:Cards@train", 2).x.sum((2, 3, 4)).tolist() == [[1, 1], [1, 2], [2, 2]]
    assert load("tonic:Cards", 2).y.tolist() == [1, 0]  # type: ignore[union-attr]


def test_fewer_pixels() -> None:
    data = load("tonic:Cards,2x4@train", 1)
    assert data.shape == (2, 2, 4)
    assert data.x[2, 0, 1].tolist() == [[0, 1, 0, 0], [0, 0, 0, 2]]


def test_a_set_that_is_not_divided() -> None:
    train, test = load("tonic:Undivided@train", 1), load("tonic:Undivided@test", 1)
    assert train.x.sum((1, 2, 3, 4)).tolist() == [*range(1, 10), *range(1, 10)]
    assert test.x.sum((1, 2, 3, 4)).tolist() == [10, 10]
    assert train.y.tolist() == [0] * 9 + [1] * 9  # type: ignore[union-attr]
    assert test.y.tolist() == [0, 1]  # type: ignore[union-attr]


def test_one_polarity_and_no_rows() -> None:
    data = load("tonic:Sound@train", 3)
    assert (data.shape, data.y.tolist()) == ((1, 1, 8), [0, 1])  # type: ignore[union-attr]
    assert data.x[0].sum((1, 2, 3)).tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("spec", "steps", "error", "message"),
    [
        ("tonic:Cards", None, UsageError, "Add --steps T"),
        ("tonic", 2, UsageError, r"must be tonic:SET\[,HxW\]\[:FOLDER\], such as tonic:NMNIST"),
        ("tonic:Cards,8", 2, UsageError, "must be tonic:SET"),
        ("tonic:Chess", 2, UsageError, "tonic has no set 'Chess'. It has Absent, Broken"),
        ("tonic:Cards", 10**12, UsageError, "this machine has"),
        ("tonic:Unsized", 2, UnsupportedError, "no common sensor size"),
        ("tonic:Eyes", 2, UnsupportedError, "recording 0 has the target 'left'"),
        ("tonic:Broken", 2, InputError, r"cannot read recording 0 \(RuntimeError: bad header\)"),
        (
            "tonic:Absent:/data",
            2,
            InputError,
            r"in /data \(OSError: no network\)\. Name the folder .* tonic:Absent:F",
        ),
        ("tonic:Empty", 2, InputError, "finds no recordings"),
        ("tonic:Outside", 2, InputError, "recording 0: event 1 has x = 7, not 0..3"),
    ],
)
def test_refuses(spec: str, steps: int | None, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        load(spec, steps)


def test_without_tonic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tonic.datasets", None)
    with pytest.raises(BackendMissing, match=r"tonic is not installed .*Try: pip install 'tonic>=1.7'"):
        load("tonic:NMNIST", 2)


def test_the_package_itself(tmp_path: Path) -> None:
    pytest.importorskip("tonic")
    folder = tmp_path / "DVSGesture"
    for part in ("ibmGestureTrain", "ibmGestureTest"):
        (folder / part / "user01_led").mkdir(parents=True)
        (folder / f"{part}.tar.gz").write_bytes(b"")
        for i in range(100):
            np.save(folder / part / "user01_led" / f"{i}.npy", np.array([[1, 2, 0, 0], [127, 3, 1, 9]]))
    data = load(f"tonic:DVSGesture,64x64:{tmp_path}", 2)
    assert data.x.shape == (100, 2, 2, 64, 64)
    assert data.x[0].sum((1, 2, 3)).tolist() == [1, 1] and data.x[0, 1, 1, 1, 63] == 1
