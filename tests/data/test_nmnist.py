from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurodeploy.data import catalogue, load
from neurodeploy.data.frames import Events, by_count, by_time, frames
from neurodeploy.data.nmnist import read_bin
from neurodeploy.errors import InputError, UsageError
from tests.data.shared import shared

Event = tuple[int, int, int, int]
"""t, x, y, p"""
SAMPLE: list[Event] = [(0, 1, 2, 0), (10, 33, 33, 1), (29, 1, 2, 0), (30, 1, 2, 0), (99, 0, 5, 1)]


def packed(events: list[Event]) -> bytes:
    """The official form: 40 bits an event."""
    return b"".join((x << 32 | y << 24 | p << 23 | t).to_bytes(5, "big") for t, x, y, p in events)


def write_official(folder: Path) -> str:
    for split, files in (("Train", ((5, 1), (0, 2), (4, 3))), ("Test", ((7, 1), (2, 2)))):
        for label, number in files:
            place = folder / split / str(label)
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{number:05d}.bin").write_bytes(packed(SAMPLE[: number + 2]))
    return f"nmnist:{folder}"


def write_small(folder: Path, **over: object) -> str:
    t, x, y, p = (np.array(column) for column in zip(*SAMPLE, strict=True))
    arrays = {"t": t, "x": x, "y": y, "p": p, "offsets": np.array([0, 3, 5]), "labels": np.array([7, 2])}
    np.savez(folder / "nmnist_small_test.npz", **{**arrays, **over})
    return f"nmnist:{folder}"


def columns(events: list[Event]) -> Events:
    return Events(*(np.array(column, np.int64) for column in zip(*events, strict=True)))


def test_official_folder(tmp_path: Path) -> None:
    train = load(f"{write_official(tmp_path)}@train", steps=10)
    assert (train.x.shape, train.x.dtype, train.time_axis, train.steps) == (
        (3, 10, 2, 34, 34),
        np.float32,
        True,
        10,
    )
    assert train.y.tolist() == [5, 0, 4]
    assert train.x.sum((1, 2, 3, 4)).tolist() == [3, 4, 5]
    whole = train.x[2]
    assert [tuple(map(int, place)) for place in np.argwhere(whole)] == [
        (0, 0, 2, 1),
        (1, 1, 33, 33),
        (2, 0, 2, 1),
        (3, 0, 2, 1),
        (9, 1, 5, 0),
    ]
    assert load(f"nmnist:{tmp_path}", steps=1).y.tolist() == [7, 2]


def test_the_order_of_time_and_of_counts(tmp_path: Path) -> None:
    t = np.array([100, 110, 120, 140, 200, 201, 300], np.int64)
    assert by_time(t, 2).tolist() == [0, 0, 0, 0, 0, 1, 1]
    assert by_count(t, 3).tolist() == [0, 0, 1, 1, 2, 2, 2]
    assert by_count(t[::-1].copy(), 3).tolist() == [2, 2, 2, 1, 1, 0, 0]
    assert by_count(t[:2], 4).tolist() == [0, 1]
    assert by_time(t[:0], 4).tolist() == by_count(t[:0], 4).tolist() == []
    write_official(tmp_path)
    counted = load(f"nmnist-count:{tmp_path}@train", steps=2)
    assert counted.x.sum((2, 3, 4)).tolist() == [[1, 2], [2, 2], [2, 3]]


def test_frames_count_events() -> None:
    made = frames(columns([(0, 1, 2, 0), (1, 1, 2, 0), (2, 0, 0, 1)]), 1, 3, 4, by_time)
    assert made.shape == (1, 2, 3, 4)
    assert (made[0, 0, 2, 1], made[0, 1, 0, 0], made.sum()) == (2, 1, 3)


def test_clock_overflow(tmp_path: Path) -> None:
    path = tmp_path / "00001.bin"
    path.write_bytes(packed([(5, 1, 1, 1), (0, 0, 240, 0), (7, 2, 2, 0), (0, 0, 240, 0), (1, 3, 3, 1)]))
    events = read_bin(path)
    assert events.t.tolist() == [5, 7 + 8192, 1 + 2 * 8192]
    assert (events.x.tolist(), events.p.tolist()) == ([1, 2, 3], [1, 0, 1])


def test_small_file(tmp_path: Path) -> None:
    data = load(write_small(tmp_path), steps=4)
    assert (data.x.shape, data.y.tolist()) == ((2, 4, 2, 34, 34), [7, 2])
    assert data.x.sum((1, 2, 3, 4)).tolist() == [3, 2]


@pytest.mark.parametrize("steps", [None, 0])
def test_needs_steps(tmp_path: Path, steps: int | None) -> None:
    with pytest.raises(UsageError, match=r"collected in 1 or more time steps. Add --steps T"):
        load(write_small(tmp_path), steps)


def test_more_than_the_memory(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"2 samples in 1000000000 time steps are 17225.* GiB; this machine has"
    ):
        load(write_small(tmp_path), steps=10**9)


def test_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEURODEPLOY_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(
        InputError, match=rf"no Test/ or nmnist_small_test.npz in {tmp_path}/nmnist, .*FOLDER"
    ):
        load("nmnist-count", steps=3)
    (tmp_path / "nmnist").mkdir()
    write_official(tmp_path / "nmnist")
    assert {e.name: e.found for e in catalogue()}["nmnist-count"] == str(tmp_path / "nmnist")
    assert len(load("nmnist-count", steps=3)) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (packed(SAMPLE)[:-1], "00002.bin: 24 bytes are no whole number of events of 5"),
        (packed([(0, 34, 0, 0)]), "00002.bin: event 0 has x = 34, not 0..33"),
        (packed([(0, 3, 3, 0), (0, 3, 77, 0)]), "event 1 has y = 77, not 0..33"),
    ],
)
def test_damaged_official_file(tmp_path: Path, content: bytes, message: str) -> None:
    spec = write_official(tmp_path)
    (tmp_path / "Test" / "2" / "00002.bin").write_bytes(content)
    with pytest.raises(InputError, match=message):
        load(spec, steps=2)


def test_official_folder_without_files(tmp_path: Path) -> None:
    (tmp_path / "Test").mkdir()
    with pytest.raises(InputError, match=r"no files 0/\*.bin ... 9/\*.bin"):
        load(f"nmnist:{tmp_path}", steps=2)


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"t": np.zeros(5)}, r"'t' must be whole numbers \(n,\), not float64 \(5,\)"),
        ({"x": np.zeros(4, int)}, "must be as long as each other"),
        ({"x": np.full(5, 40)}, "sample 0: event 0 has x = 40"),
        ({"x": np.full(5, -1)}, "event 0 has x = -1"),
        ({"p": np.full(5, 2)}, "event 0 has p = 2, not 0..1"),
        ({"offsets": np.array([0, 5])}, "2 labels need 3 offsets, not 2"),
        ({"offsets": np.array([0, 6, 5])}, "must rise from 0 to the number of events, 5"),
        ({"labels": np.array([7, 11])}, "labels must be 0..9, not 7..11"),
        ({"labels": np.array([{}, {}])}, "not an .npz file of plain arrays"),
    ],
)
def test_damaged_small_file(tmp_path: Path, over: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(write_small(tmp_path, **over), steps=2)


@pytest.mark.parametrize("name", ["nmnist", "nmnist-count"])
def test_real_events(name: str) -> None:
    data = load(f"{name}:{shared('nmnist-small')}", steps=5)
    assert (data.x.shape, len(data.y)) == ((100, 5, 2, 34, 34), 100)
    assert float(data.x.sum()) == 385_596
    shares = data.x.sum((2, 3, 4)) / data.x.sum((1, 2, 3, 4))[:, None]
    assert float(np.abs(shares - 0.2).max()) < (0.01 if name == "nmnist-count" else 0.2)
