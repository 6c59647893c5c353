from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurodeploy.data import catalogue, load
from neurodeploy.data.spec import DataSpec, parse
from neurodeploy.errors import InputError, UsageError
from tests.data.files import idx_bytes, small_images, write_images


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("digits", DataSpec("digits", None, "test")),
        ("digits@train", DataSpec("digits", None, "train")),
        ("mnist:/a/b@test", DataSpec("mnist", "/a/b", "test")),
        ("mnist:/a@b", DataSpec("mnist", "/a@b", "test")),
        ("mnist:/a@b@train", DataSpec("mnist", "/a@b", "train")),
    ],
)
def test_notation(text: str, expected: DataSpec) -> None:
    assert parse(text) == expected
    assert parse(str(expected)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("digits@all", "the split must be @train or @test, not @all"),
        ("a.npz@train", "an .npz file has no splits. Write 'a.npz'"),
        ("", "must be NAME"),
        ("mnist:", "must be NAME"),
        (
            "imagenet",
            "no data set 'imagenet'. There are digits, .*, nmnist-count, myo, tonic:SET, tonic-count:SET, and paths",
        ),
    ],
)
def test_refuses(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(text)


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home: no image set is on this machine unless a test puts it there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("NEURODEPLOY_DATA", raising=False)
    return tmp_path


@pytest.mark.parametrize("zipped", [True, False])
def test_images_from_a_folder(tmp_path: Path, zipped: bool) -> None:
    data = load(f"fashion-mnist:{write_images(tmp_path, zipped)}@train")
    assert (data.x.shape, data.x.dtype, data.shape) == ((6, 28, 28), np.float32, (28, 28))
    assert data.x[0, 0, 1] == np.float32(1) / np.float32(255)
    assert data.y.tolist() == [0, 1, 2, 3, 4, 5]


def test_places_in_their_order(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_images(nowhere / "cache" / "neurodeploy" / "mnist")
    assert len(load("mnist")) == 6
    found = {entry.name: entry.found for entry in catalogue()}
    assert found["mnist"] == str(nowhere / "cache" / "neurodeploy" / "mnist")
    monkeypatch.setenv("NEURODEPLOY_DATA", str(nowhere / "own"))
    write_images(nowhere / "own" / "mnist")
    assert {entry.name: entry.found for entry in catalogue()}["mnist"] == str(nowhere / "own" / "mnist")


def test_missing_images_name_the_places(nowhere: Path) -> None:
    with pytest.raises(InputError, match=r"no t10k-images-idx3-ubyte\[.gz\] in .*neurodeploy data get mnist"):
        load("mnist")
    with pytest.raises(InputError, match=rf"in {nowhere}/none\. "):
        load(f"mnist:{nowhere}/none")


def damage(folder: Path, name: str, content: bytes) -> str:
    write_images(folder, zipped=False)
    (folder / name).write_bytes(content)
    return f"mnist:{folder}"


IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
WHOLE = small_images()[IMAGES]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (IMAGES, WHOLE[:-1], r"shape \(6, 28, 28\) takes 4704 bytes after the header, but there are 4703"),
        (IMAGES, WHOLE + b"x", "takes 4704 bytes after the header, but there are more"),
        (IMAGES, WHOLE[:9], "truncated: 9 bytes, the header alone has 16"),
        (IMAGES, b"", "axes: magic missing, not 00000803"),
        (IMAGES, b"\x7fELF" + WHOLE, "magic 7f454c46, not 00000803"),
        (IMAGES, WHOLE[:4] + b"\xff" * 12, r"takes 79228162458924105385300197375 bytes .* there are 0"),
        (LABELS, idx_bytes(np.zeros(5, np.uint8)), "6 images but 5 labels"),
        (LABELS, b"\x1f\x8b" + b"\0" * 20, "cannot be read"),
    ],
)
def test_damaged_images(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(damage(tmp_path, name, content))


def test_truncated_gzip(tmp_path: Path) -> None:
    write_images(tmp_path)
    path = tmp_path / f"{IMAGES}.gz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match=r"t10k-images-idx3-ubyte.gz: cannot be read"):
        load(f"mnist:{tmp_path}")
