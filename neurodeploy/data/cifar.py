"""CIFAR-10: 32x32 colour images, from the binary version of its files or a small .npz."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from neurodeploy.data.archive import read_all
from neurodeploy.data.dataset import Dataset, LabelArray
from neurodeploy.data.places import places, usual_places
from neurodeploy.data.spec import DataSpec
from neurodeploy.errors import InputError

Bytes = npt.NDArray[np.uint8]
_FILES = {
    "train": tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
    "test": ("test_batch.bin",),
}
_SMALL = "cifar10_small.npz"
_RECORD = 1 + 3 * 32 * 32


@dataclass(frozen=True, slots=True)
class Cifar10:
    """Images x = pixels / 255, float32 `(N, 3, 32, 32)`, channels red, green, blue; ten classes.

    A folder holds `data_batch_1.bin` ... `data_batch_5.bin` and `test_batch.bin` (the archive
    cifar-10-binary.tar.gz unpacked; its folder cifar-10-batches-bin may stand inside), or cifar10_small.npz with
    uint8 `x_train` `(N, 32, 32, 3)`, `y_train`, `x_test`, `y_test`. The Python version is made of pickles, which
    could run any code: it is not read.
    """

    name: ClassVar[str] = "cifar10"
    shape: ClassVar[tuple[int, ...]] = (3, 32, 32)
    classes: ClassVar[int] = 10
    sizes: ClassVar[tuple[int, int]] = (50000, 10000)
    licence: ClassVar[str] = "not stated by its authors"
    source: ClassVar[str] = "A. Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html"

    def where(self) -> str | None:
        """The first place that holds both splits."""
        folders = (f for place in usual_places(self.name) for f in _folders(place))
        return next((str(f) for f in folders if all(_found(f, split) for split in _FILES)), None)

    def load(self, spec: DataSpec, steps: int | None = None) -> Dataset:
        """One split; `steps` makes no difference to static images. `InputError` for missing or damaged files."""
        images, labels = _read(self._folder(spec), spec.split)
        if len(labels) and labels.max() >= self.classes:
            wrong = int(np.argmax(labels >= self.classes))
            raise InputError(f"{spec}: sample {wrong} has label {labels[wrong]}; labels must be 0..9")
        return Dataset(
            name=self.name,
            split=spec.split,
            spec=str(spec),
            x=images.astype(np.float32) / np.float32(255),
            y=labels,
            classes=self.classes,
            time_axis=False,
            source=self.source,
            licence=self.licence,
        )

    def _folder(self, spec: DataSpec) -> Path:
        looked = places(spec)
        for folder in (f for place in looked for f in _folders(place)):
            if _found(folder, spec.split):
                return folder
        raise InputError(
            f"{self.name}: no {_FILES[spec.split][0]} or {_SMALL} in {', '.join(map(str, looked))}. Unpack "
            f"cifar-10-binary.tar.gz (https://www.cs.toronto.edu/~kriz/cifar.html) and write {self.name}:FOLDER"
        )


def _folders(place: Path) -> tuple[Path, Path]:
    return place, place / "cifar-10-batches-bin"


def _found(folder: Path, split: str) -> bool:
    return (folder / _FILES[split][0]).is_file() or (folder / _SMALL).is_file()


def _read(folder: Path, split: str) -> tuple[Bytes, LabelArray]:
    """Pixels `(N, 3, 32, 32)` and labels of all files of a split."""
    if not (folder / _FILES[split][0]).is_file():
        return _read_small(folder / _SMALL, split)
    parts = [_read_batch(folder / name) for name in _FILES[split]]
    images = np.concatenate([images for images, _ in parts])
    return images, np.concatenate([labels for _, labels in parts])


def _read_batch(path: Path) -> tuple[Bytes, LabelArray]:
    """Records of one byte of label, then 1024 bytes each of red, green and blue, row by row."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}). Unpack the archive again") from None
    if not content or len(content) % _RECORD:
        problem = f"{len(content)} bytes are no whole number of records of {_RECORD}"
        raise InputError(f"{path}: {problem}. Unpack the archive again")
    records = np.frombuffer(content, np.uint8).reshape(-1, _RECORD)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].astype(np.int64)


def _read_small(path: Path, split: str) -> tuple[Bytes, LabelArray]:
    arrays = read_all(path, (f"x_{split}", f"y_{split}"))
    x, y = arrays.values()
    if x.dtype != np.uint8 or x.ndim != 4 or x.shape[1:] != (32, 32, 3) or not len(x):
        raise InputError(f"{path}: x_{split} must be uint8 (N, 32, 32, 3), not {x.dtype} {x.shape}")
    if y.dtype.kind not in "iu" or y.shape != x.shape[:1] or y.min() < 0:
        raise InputError(f"{path}: y_{split} must be {len(x)} labels 0..9, not {y.dtype} {y.shape}")
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2)), y.astype(np.int64)
