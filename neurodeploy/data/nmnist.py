"""N-MNIST: MNIST digits seen by a moving event camera."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import numpy as np

from neurodeploy.data.archive import Arrays, read_all
from neurodeploy.data.dataset import Dataset, LabelArray
from neurodeploy.data.frames import Binning, Events, check_events, frames
from neurodeploy.data.memory import check_memory
from neurodeploy.data.places import places, usual_places
from neurodeploy.data.spec import DataSpec
from neurodeploy.errors import InputError, UsageError

_SIDE = 34
_EVENT_BYTES = 5
_OVERFLOW_ROW = 240
_OVERFLOW_US = 1 << 13
_ARRAYS = ("t", "x", "y", "p", "offsets", "labels")
Recording = tuple[str, Events]
"""Where the events were read, for messages, and the events."""


@dataclass(frozen=True, slots=True)
class NMnist:
    """Counts of events x, float32 `(N, T, 2, 34, 34)`: darker, brighter; ten classes; T is asked for.

    A folder holds the official `Train/0` ... `Test/9` of `.bin` files, or `nmnist_small_train.npz` and
    `nmnist_small_test.npz` with `t`, `x`, `y`, `p` of all events, `offsets` `(N + 1,)` and `labels` `(N,)`.
    `binning` says to which time step an event belongs.
    """

    name: str
    binning: Binning
    shape: ClassVar[tuple[int, ...]] = (2, _SIDE, _SIDE)
    classes: ClassVar[int] = 10
    sizes: ClassVar[tuple[int, int]] = (60000, 10000)
    licence: ClassVar[str] = "CC BY-SA 4.0"
    source: ClassVar[str] = "G. Orchard et al. 2015, https://www.garrickorchard.com/datasets/n-mnist"

    def where(self) -> str | None:
        """The first usual place that holds both splits."""
        complete = (p for p in usual_places("nmnist") if _found(p, "train") and _found(p, "test"))
        return next((str(place) for place in complete), None)

    def load(self, spec: DataSpec, steps: int | None = None) -> Dataset:
        """One split in `steps` frames.

        Raises `UsageError` where `steps` is missing or too large for the memory of this machine, `InputError`
        for missing or damaged files.
        """
        if steps is None or steps < 1:
            raise UsageError(f"data {spec}: events must be collected in 1 or more time steps. Add --steps T")
        folder = self._folder(spec)
        small = folder / f"nmnist_small_{spec.split}.npz"
        if small.is_file():
            arrays = _checked(small, read_all(small, _ARRAYS))
            labels, recordings = arrays["labels"].astype(np.int64), _slices(small, arrays)
        else:
            files = _files(folder / spec.split.capitalize())
            labels = np.array([int(path.parent.name) for path in files], np.int64)
            recordings = ((str(path), read_bin(path)) for path in files)
        return self._dataset(spec, recordings, labels, steps)

    def _dataset(
        self, spec: DataSpec, recordings: Iterator[Recording], labels: LabelArray, steps: int
    ) -> Dataset:
        shape = (len(labels), steps, *self.shape)
        check_memory(spec, shape)
        x = np.empty(shape, np.float32)
        for i, (where, events) in enumerate(recordings):
            check_events(where, events, _SIDE, _SIDE)
            x[i] = frames(events, steps, _SIDE, _SIDE, self.binning)
        return Dataset(
            name=self.name,
            split=spec.split,
            spec=str(spec),
            x=x,
            y=labels,
            classes=self.classes,
            time_axis=True,
            source=self.source,
            licence=self.licence,
        )

    def _folder(self, spec: DataSpec) -> Path:
        looked = places(spec) if spec.folder else usual_places("nmnist")
        found = next((place for place in looked if _found(place, spec.split)), None)
        if found is None:
            raise InputError(
                f"{self.name}: no {spec.split.capitalize()}/ or nmnist_small_{spec.split}.npz in "
                f"{', '.join(map(str, looked))}. Unpack the files of {self.source.split()[-1]} and write "
                f"{self.name}:FOLDER"
            )
        return found


def read_bin(path: Path) -> Events:
    """The events of one official file, 5 bytes each: x, y, then polarity in 1 bit and the time in 23 bits, big-endian.

    Row 240 marks an overflow of the camera's clock and is no event: from there on 2^13 us are added.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if len(content) % _EVENT_BYTES:
        raise InputError(f"{path}: {len(content)} bytes are no whole number of events of {_EVENT_BYTES}")
    raw = np.frombuffer(content, np.uint8).reshape(-1, _EVENT_BYTES).astype(np.int64)
    time = (raw[:, 2] & 127) << 16 | raw[:, 3] << 8 | raw[:, 4]
    overflow = raw[:, 1] == _OVERFLOW_ROW
    time += _OVERFLOW_US * np.cumsum(overflow)
    kept = raw[~overflow]
    return Events(time[~overflow], kept[:, 0], kept[:, 1], kept[:, 2] >> 7)


def _found(folder: Path, split: str) -> bool:
    return (folder / f"nmnist_small_{split}.npz").is_file() or (folder / split.capitalize()).is_dir()


def _files(folder: Path) -> list[Path]:
    """All files of a split in the order of their numbers, which is that of MNIST: labels are mixed."""
    files = [path for label in range(10) for path in (folder / str(label)).glob("*.bin")]
    if not files:
        raise InputError(f"{folder}: no files 0/*.bin ... 9/*.bin")
    return sorted(files, key=lambda path: (path.name, path.parent.name))


def _checked(path: Path, arrays: Arrays) -> Arrays:
    """The arrays of a small file, whole numbers of fitting lengths."""
    for name, array in arrays.items():
        if array.ndim != 1 or array.dtype.kind not in "iu":
            raise InputError(f"{path}: {name!r} must be whole numbers (n,), not {array.dtype} {array.shape}")
    events, offsets, labels = len(arrays["t"]), arrays["offsets"].astype(np.int64), arrays["labels"]
    lengths = {name: len(arrays[name]) for name in "txyp"}
    if set(lengths.values()) != {events}:
        raise InputError(f"{path}: t, x, y and p must be as long as each other, not {lengths}")
    if len(offsets) != len(labels) + 1 or not len(labels):
        raise InputError(f"{path}: {len(labels)} labels need {len(labels) + 1} offsets, not {len(offsets)}")
    if offsets[0] != 0 or offsets[-1] != events or (np.diff(offsets) < 0).any():
        raise InputError(f"{path}: 'offsets' must rise from 0 to the number of events, {events}")
    if labels.min() < 0 or labels.max() > 9:
        raise InputError(f"{path}: labels must be 0..9, not {labels.min()}..{labels.max()}")
    return arrays


def _slices(path: Path, arrays: Arrays) -> Iterator[Recording]:
    """The samples of a small file, one after the other."""
    offsets = arrays["offsets"].astype(np.int64)
    for i, (start, end) in enumerate(pairwise(offsets)):
        t, x, y, p = (arrays[name][start:end].astype(np.int64) for name in "txyp")
        yield f"{path}, sample {i}", Events(t, x, y, p)
