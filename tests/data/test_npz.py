from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurodeploy.data import load
from neurodeploy.errors import InputError, UsageError


def saved(folder: Path, **arrays: object) -> str:
    np.savez(folder / "own.npz", **arrays)
    return str(folder / "own.npz")


def test_static_samples(tmp_path: Path) -> None:
    data = load(saved(tmp_path, x=np.ones((5, 3, 3), np.float64), y=np.array([0, 1, 2, 1, 0], np.uint8)))
    assert (data.x.dtype, data.y.dtype, data.classes) == (np.float32, np.int64, 3)
    assert (data.time_axis, data.shape, data.steps, data.split) == (False, (3, 3), None, "all")


def test_labels_may_be_missing(tmp_path: Path) -> None:
    data = load(saved(tmp_path, x=np.ones((5, 3), bool)))
    assert (data.y, data.classes) == (None, 0)
    with pytest.raises(InputError, match="has no labels"):
        data.labels()


def test_time_axis_as_the_file_says(tmp_path: Path) -> None:
    data = load(saved(tmp_path, x=np.ones((5, 4, 3)), time_axis=1))
    assert (data.shape, data.steps) == ((3,), 4)
    assert load(saved(tmp_path, x=np.ones((5, 4, 3)), time_axis=0), steps=4).steps is None


@pytest.mark.parametrize(
    ("shape", "steps", "found"),
    [((5, 4, 3), 4, 4), ((5, 4, 3), 6, None), ((5, 4, 3), None, None), ((5, 4), 4, None)],
)
def test_time_axis_by_steps(
    tmp_path: Path, shape: tuple[int, ...], steps: int | None, found: int | None
) -> None:
    assert load(saved(tmp_path, x=np.ones(shape)), steps).steps == found


def test_a_time_axis_that_the_file_does_not_name_is_an_assumption(tmp_path: Path) -> None:
    x = np.ones((5, 4, 3))
    assert load(saved(tmp_path, x=x), 4).limit(2).assumed == (
        f"{tmp_path / 'own.npz'}: holds no 'time_axis'; the second axis of 'x' (5, 4, 3) is as long as a sample has "
        "time steps and is taken as time. Save the file with time_axis=1, or 0 where it is not",
    )
    assert load(saved(tmp_path, x=x), 6).assumed == ()
    assert load(saved(tmp_path, x=x, time_axis=1), 4).assumed == ()
    assert load(saved(tmp_path, x=x, time_axis=0), 4).assumed == ()


def test_other_number_of_steps(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"samples have 4 time steps, not 8. Try --steps 4"):
        load(saved(tmp_path, x=np.ones((5, 4, 3)), time_axis=1), steps=8)


NAN = np.array([[0.0, 1.0], [np.nan, np.inf]])
X = np.zeros((3, 2))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": X}, "no array 'x'; there is images. Name the samples 'x'"),
        ({"x": np.zeros((0, 4))}, r"must be \(samples, ...\) and hold at least one value, not \(0, 4\)"),
        ({"x": np.zeros(4)}, r"hold at least one value, not \(4,\)"),
        ({"x": NAN}, r"2 of 4 values that are NaN, infinite .* the first is in sample 1 at \(0,\)"),
        ({"x": np.full((1, 1), 1e39)}, "beyond float32"),
        ({"x": np.array([["a", "b"]])}, "must hold real numbers, not <U1"),
        ({"x": np.array([[{}]])}, "not an .npz file of plain arrays"),
        ({"x": X, "y": np.zeros(2, int)}, r"one label for each of 3 samples, not \(2,\)"),
        ({"x": X, "y": np.zeros(3)}, "must hold integers, not float64"),
        ({"x": X, "y": np.array([0, -1, 2])}, "sample 1 has label -1; labels must be 0, 1, 2"),
        ({"x": X, "y": np.array([0, 2**63, 2], np.uint64)}, "sample 1 has label 9223372036854775808"),
        ({"x": X, "time_axis": 2}, "'time_axis' must be 0 or 1, not 2"),
        ({"x": X, "time_axis": 1}, r"must be \(samples, time, ...\), not \(3, 2\)"),
    ],
)
def test_bad_values(tmp_path: Path, arrays: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(saved(tmp_path, **arrays))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none.npz: no such file"):
        load(str(tmp_path / "none.npz"))


def test_not_an_npz(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(b"PK\x03\x04 but no zip")
    with pytest.raises(InputError, match=r"not an .npz file of plain arrays"):
        load(str(path))
    with path.open("wb") as file:
        np.save(file, X)
    with pytest.raises(InputError, match="holds one bare array"):
        load(str(path))


def test_truncated_and_flipped(tmp_path: Path) -> None:
    path = Path(saved(tmp_path, x=np.arange(400.0).reshape(20, 20)))
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:600] + b"\xff" + whole[601:]):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"not an .npz file"):
            load(str(path))
