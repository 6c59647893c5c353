"""Myo gestures: muscle activity of the forearm (EMG), several people in several sessions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from neurodeploy.data.archive import Arrays, read_all
from neurodeploy.data.dataset import Dataset, FloatArray, LabelArray
from neurodeploy.data.places import places, usual_places
from neurodeploy.data.selection import select
from neurodeploy.data.spec import DataSpec
from neurodeploy.errors import InputError, UsageError

FILE = "myo_gestures.npz"
CHANNELS = 8
WINDOW = 64
"""Samples in a window: 0.32 s at 200 Hz."""
REACTION = 100
"""Samples left out at the start of a repetition, in which the gesture is only being formed: 0.5 s."""
REPETITIONS = 6
FULL_SCALE_LOG2 = 7.0
"""log2(1 + 127), 127 being the largest int8."""
TEST_SESSION = 3
_ARRAYS = ("emg", "label", "offsets", "participant", "session", "gesture")
_PER_RECORDING = ("participant", "session", "gesture")


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """All windows, and where each comes from.

    `data` are the windows, in their order in time within a recording; int64 `(N,)` each: `person` (0, 1, ... in
    the order of the participants' numbers), `session` (from 1), `repetition` (0..5 within a recording).
    """

    data: Dataset
    person: LabelArray
    session: LabelArray
    repetition: LabelArray


@dataclass(frozen=True, slots=True)
class Myo:
    """Envelopes of 8 electrodes, float32 `(N, T, 8)` in [0, 1]; eight gestures, the first is rest.

    train: sessions 1 and 2 of everyone; test: session 3. See `envelopes` for what x is.
    """

    name: str
    shape: ClassVar[tuple[int, ...]] = (CHANNELS,)
    classes: ClassVar[int] = 8
    sizes: ClassVar[tuple[int, int]] = (6654, 3327)
    licence: ClassVar[str] = "MIT"
    source: ClassVar[str] = "A. Francic, https://github.com/aljazfrancic/myo-readings-dataset"

    def where(self) -> str | None:
        """The first usual place that holds the file."""
        return next((str(p) for p in usual_places(self.name) if (p / FILE).is_file()), None)

    def load(self, spec: DataSpec, steps: int | None = None) -> Dataset:
        """One split in `steps` time steps; errors as in `windows`."""
        found = self.windows(spec, steps)
        return select(found.data, np.flatnonzero((found.session == TEST_SESSION) == (spec.split == "test")))

    def windows(self, spec: DataSpec, steps: int | None) -> Windows:
        """Every window of the file, whatever the split.

        Raises `UsageError` where `steps` is missing or does not divide the window, `InputError` for a missing or
        damaged file.
        """
        if steps is None or steps < 1 or WINDOW % steps:
            raise UsageError(
                f"data {spec}: a window of {WINDOW} samples must be divided into time steps, not into {steps}. "
                "Add --steps 1, 2, 4, 8, 16, 32 or 64"
            )
        path = self._file(spec)
        arrays = _checked(path, read_all(path, _ARRAYS))
        rows = list(_rows(arrays))
        if not rows:
            raise InputError(f"{path}: no repetition of a gesture holds a window of {WINDOW} samples")
        start, gesture, person, session, repetition = np.array(rows, np.int64).T
        x = np.stack([envelopes(arrays["emg"][i : i + WINDOW], steps) for i in start])
        data = Dataset(
            name=self.name,
            split=spec.split,
            spec=str(spec),
            x=x,
            y=gesture,
            classes=self.classes,
            time_axis=True,
            source=self.source,
            licence=self.licence,
        )
        return Windows(data, person, session, repetition)

    def _file(self, spec: DataSpec) -> Path:
        looked = places(spec) if spec.folder else usual_places(self.name)
        found = next((p / FILE for p in looked if (p / FILE).is_file()), None)
        if found is None:
            raise InputError(
                f"{self.name}: no {FILE} in {', '.join(map(str, looked))}. Write {self.name}:FOLDER; "
                f"the recordings are those of {self.source.split()[-1]}"
            )
        return found


def envelopes(emg: npt.NDArray[np.int64], steps: int) -> FloatArray:
    """EMG of one window `(WINDOW, 8)` to `(steps, 8)` in [0, 1]: the logarithm of the mean rectified value.

        x[t, c] = log2(1 + mean_k |emg[t WINDOW / steps + k, c]|) / 7,     clipped to 1

    Mean rectified value and logarithm are the usual features of surface EMG (Phinyomark, Phukpattaranont,
    Limsakul, Expert Systems with Applications 39, 2012); electrode gain becomes an offset.
    """
    mean = np.abs(emg.astype(np.float64)).reshape(steps, -1, emg.shape[1]).mean(axis=1)
    scaled: FloatArray = np.minimum(np.log2(1 + mean) / FULL_SCALE_LOG2, 1.0).astype(np.float32)
    return scaled


def _rows(arrays: Arrays) -> Iterator[tuple[int, int, int, int, int]]:
    """First sample, gesture, person, session and repetition of every window."""
    for first, end, gesture, person, session in _recordings(arrays):
        parts = _repetitions(arrays["label"][first:end], gesture)
        for repetition, (begin, until) in enumerate(parts):
            for start in range(first + begin + REACTION, first + until - WINDOW + 1, WINDOW):
                yield start, gesture, person, session, repetition


def _recordings(arrays: Arrays) -> Iterator[tuple[int, int, int, int, int]]:
    """First and end sample, gesture, person and session of every recording."""
    person = np.searchsorted(np.unique(arrays["participant"]), arrays["participant"])
    for i, (first, end) in enumerate(pairwise(arrays["offsets"].astype(np.int64))):
        yield int(first), int(end), int(arrays["gesture"][i]), int(person[i]), int(arrays["session"][i])


def _repetitions(label: npt.NDArray[np.int64], gesture: int) -> list[tuple[int, int]]:
    """Begin and end of the repetitions of a gesture; of rest, every second of twelve equal parts."""
    if gesture == 0:
        cuts = np.linspace(0, len(label), 2 * REPETITIONS + 1).astype(int)
        return [(int(cuts[i]), int(cuts[i + 1])) for i in range(1, 2 * REPETITIONS, 2)]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], label == gesture, [0]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _checked(path: Path, arrays: Arrays) -> Arrays:
    """The arrays, with shapes and values that fit each other."""
    emg, offsets = arrays["emg"], arrays["offsets"]
    if emg.ndim != 2 or emg.shape[1] != CHANNELS or emg.dtype != np.int8:
        raise InputError(f"{path}: 'emg' must be int8 (samples, {CHANNELS}), not {emg.dtype} {emg.shape}")
    for name in _ARRAYS[1:]:
        if arrays[name].ndim != 1 or arrays[name].dtype.kind not in "iu":
            found = f"{arrays[name].dtype} {arrays[name].shape}"
            raise InputError(f"{path}: {name!r} must be whole numbers (n,), not {found}")
    if len(arrays["label"]) != len(emg):
        raise InputError(f"{path}: {len(emg)} samples need as many labels, not {len(arrays['label'])}")
    if (
        len(offsets) < 2
        or offsets[0] != 0
        or offsets[-1] != len(emg)
        or (np.diff(offsets.astype(np.int64)) <= 0).any()
    ):
        raise InputError(f"{path}: 'offsets' must rise from 0 to the number of samples, {len(emg)}")
    for name in _PER_RECORDING:
        if len(arrays[name]) != len(offsets) - 1:
            raise InputError(f"{path}: {len(offsets) - 1} recordings, but {len(arrays[name])} in {name!r}")
    if arrays["gesture"].min() < 0 or arrays["gesture"].max() >= Myo.classes:
        found = f"{arrays['gesture'].min()}..{arrays['gesture'].max()}"
        raise InputError(f"{path}: gestures must be 0..{Myo.classes - 1}, not {found}")
    return arrays
