from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurodeploy.data import catalogue, load
from neurodeploy.errors import InputError
from tests.data.shared import shared


def batch(labels: list[int], first: int = 0) -> bytes:
    """Records whose pixels count up from `first`, in the order they are stored."""
    pixels = (np.arange(3072) + first).astype(np.uint8).tobytes()
    return b"".join(bytes([label]) + pixels for label in labels)


def write_binary(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(1, 6):
        (folder / f"data_batch_{i}.bin").write_bytes(batch([i, i + 1]))
    (folder / "test_batch.bin").write_bytes(batch([9, 0, 3], first=7))
    return folder


def write_small(folder: Path, **over: object) -> str:
    x = np.arange(2 * 3072).astype(np.uint8).reshape(2, 32, 32, 3)
    arrays = {"x_train": x, "y_train": np.array([1, 2]), "x_test": x[:1], "y_test": np.array([4])}
    np.savez(folder / "cifar10_small.npz", **{**arrays, **over})
    return f"cifar10:{folder}"


def test_binary_version(tmp_path: Path) -> None:
    folder = write_binary(tmp_path)
    train, test = load(f"cifar10:{folder}@train"), load(f"cifar10:{folder}")
    assert (train.x.shape, train.x.dtype, train.classes) == ((10, 3, 32, 32), np.float32, 10)
    assert train.y.tolist() == [1, 2, 2, 3, 3, 4, 4, 5, 5, 6]
    assert (test.y.tolist(), test.time_axis, test.shape) == ([9, 0, 3], False, (3, 32, 32))
    assert test.x[0, 1, 2, 3] * 255 == pytest.approx((1024 + 2 * 32 + 3 + 7) % 256)


def test_inside_of_the_unpacked_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_binary(tmp_path / "cifar10" / "cifar-10-batches-bin")
    monkeypatch.setenv("NEURODEPLOY_DATA", str(tmp_path))
    assert len(load("cifar10")) == 3
    found = {entry.name: entry.found for entry in catalogue()}["cifar10"]
    assert found == str(tmp_path / "cifar10" / "cifar-10-batches-bin")


def test_small_file_has_channels_last(tmp_path: Path) -> None:
    data = load(write_small(tmp_path))
    assert (data.x.shape, data.y.tolist()) == ((1, 3, 32, 32), [4])
    assert data.x[0, 2, 1, 5] * 255 == pytest.approx((1 * 32 + 5) * 3 + 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (batch([1, 2])[:-1], "6145 bytes are no whole number of records of 3073"),
        (b"", "0 bytes are no whole number"),
        (batch([1, 10]), "sample 1 has label 10; labels must be 0..9"),
    ],
)
def test_damaged_batch(tmp_path: Path, content: bytes, message: str) -> None:
    (write_binary(tmp_path) / "test_batch.bin").write_bytes(content)
    with pytest.raises(InputError, match=message):
        load(f"cifar10:{tmp_path}")


def test_missing_batch(tmp_path: Path) -> None:
    (write_binary(tmp_path) / "data_batch_3.bin").unlink()
    with pytest.raises(InputError, match=r"data_batch_3.bin: cannot be read \(No such file"):
        load(f"cifar10:{tmp_path}@train")


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"x_test": np.zeros((1, 3, 32, 32), np.uint8)}, r"must be uint8 \(N, 32, 32, 3\), not uint8 \(1, 3"),
        ({"x_test": np.zeros((1, 32, 32, 3))}, "not float64"),
        ({"y_test": np.zeros(2, int)}, r"must be 1 labels 0..9, not int64 \(2,\)"),
        ({"y_test": np.array([-1])}, "must be 1 labels 0..9"),
        ({"y_test": np.array([{}])}, "not an .npz file of plain arrays"),
    ],
)
def test_damaged_small_file(tmp_path: Path, over: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(write_small(tmp_path, **over))


def test_small_file_without_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "cifar10_small.npz", x_test=np.zeros(3))
    with pytest.raises(InputError, match="no array 'y_test'; there is x_test"):
        load(f"cifar10:{tmp_path}")


def test_pickles_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "data_batch_1").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(
        InputError, match=r"no data_batch_1.bin or cifar10_small.npz in .*Unpack cifar-10-binary"
    ):
        load(f"cifar10:{tmp_path}@train")


def test_real_images() -> None:
    data = load(f"cifar10:{shared('cifar10')}@train")
    assert (data.x.shape, np.bincount(data.y).tolist()) == ((2000, 3, 32, 32), [200] * 10)
    means = data.x.mean((0, 2, 3))
    assert means == pytest.approx([0.4914, 0.4822, 0.4465], abs=0.01)
