"""Event data sets of the package tonic, by their names there: `tonic:DVSGesture`, `tonic-count:CIFAR10DVS,48x48`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.data.dataset import Dataset, LabelArray
from neurodeploy.data.frames import Binning, Events, check_events, frames
from neurodeploy.data.memory import check_memory
from neurodeploy.data.places import cache
from neurodeploy.data.spec import DataSpec
from neurodeploy.errors import BackendMissing, InputError, UnsupportedError, UsageError

TRAIN_SHARE = 0.9
"""Of each class, where a set is not divided: its first recordings train. Source: Xiao et al., NeurIPS 2022, on
CIFAR10-DVS."""

_SPEC = re.compile(r"(?P<set>\w+)(,(?P<height>[1-9]\d{0,3})x(?P<width>[1-9]\d{0,3}))?(:(?P<folder>.+))?")


@dataclass(frozen=True, slots=True)
class Tonic:
    """Counts of events x, float32 `(N, T, P, H, W)`, of a set that tonic reads, and fetches where it is missing.

    Specifications are NAME:SET[,HxW][:FOLDER]: with HxW the sensor's rows and columns are counted in so many,
    row y in y * H // rows; FOLDER is where tonic keeps its files. `binning` says to which of the T time steps an
    event belongs.
    """

    name: str
    binning: Binning

    def load(self, spec: DataSpec, steps: int | None = None) -> Dataset:
        """One split in `steps` frames.

        Raises `BackendMissing` without tonic, `UsageError` for an unknown set or `steps` missing or too large
        for the memory of this machine, `UnsupportedError` for a set without classes or of several sensors,
        `InputError` where tonic cannot fetch or read it.
        """
        if steps is None or steps < 1:
            raise UsageError(f"data {spec}: events must be collected in 1 or more time steps. Add --steps T")
        asked = _SPEC.fullmatch(spec.folder or "")
        if asked is None:
            raise UsageError(
                f"data {spec}: must be {self.name}:SET[,HxW][:FOLDER], such as {self.name}:NMNIST"
            )
        recordings, chosen, labels = _split(spec, asked)
        width, height, polarities = _sensor(spec, recordings)
        size = (int(asked["height"] or height), int(asked["width"] or width))
        shape = (len(chosen), steps, polarities, *size)
        check_memory(spec, shape)
        x = np.empty(shape, np.float32)
        for row, index in enumerate(chosen):
            events = _events(_read(spec, recordings, index), polarities)
            check_events(f"{spec}, recording {index}", events, height, width, polarities)
            scaled = Events(events.t, events.x * size[1] // width, events.y * size[0] // height, events.p)
            x[row] = frames(scaled, steps, *size, self.binning, polarities)
        return Dataset(
            name=f"{self.name}:{asked['set']}",
            split=spec.split,
            spec=str(spec),
            x=x,
            y=labels,
            classes=int(labels.max()) + 1,
            time_axis=True,
            source=f"tonic, {asked['set']}",
            licence="see tonic's page of the set",
        )


def _split(spec: DataSpec, asked: re.Match[str]) -> tuple[Any, Sequence[int], LabelArray]:
    """tonic's recordings, those of them that belong to the split, and their labels."""
    kind = _find(spec, asked["set"])
    folder, named = asked["folder"] or str(cache("tonic")), signature(kind).parameters
    own: dict[str, object] = {"train": spec.split == "train"} if "train" in named else {}
    if "split" in named:
        own = {"split": spec.split}
    try:
        recordings = kind(save_to=str(Path(folder).expanduser()), **own)
    except Exception as error:  # tonic's readers and downloads raise anything
        raise InputError(
            f"data {spec}: tonic cannot fetch or read it in {folder} ({type(error).__name__}: {error}). "
            f"Name the folder of its files: {spec.name}:{asked['set']}:FOLDER"
        ) from None
    if not len(recordings):
        raise InputError(f"data {spec}: tonic finds no recordings in {folder}. Fetch them again")
    labels = np.array([_label(spec, recordings, i) for i in range(len(recordings))], np.int64)
    chosen = range(len(labels)) if own else _divided(recordings, labels, spec.split == "train")
    return recordings, chosen, labels[list(chosen)]


def _find(spec: DataSpec, name: str) -> Any:
    """The class of a set."""
    try:
        import tonic.datasets as sets
    except ImportError as error:
        raise BackendMissing(
            f"data {spec}: tonic is not installed ({error}). Try: pip install 'tonic>=1.7'"
        ) from None
    kinds = {known: kind for known, kind in vars(sets).items() if isinstance(kind, type)}
    if name not in kinds:
        raise UsageError(f"data {spec}: tonic has no set {name!r}. It has {', '.join(sorted(kinds))}")
    return kinds[name]


def _label(spec: DataSpec, recordings: Any, index: int) -> int:
    """The class of a recording, from tonic's list where there is one: reading all events takes long."""
    listed = getattr(recordings, "targets", None)
    found = listed[index] if listed else _read(spec, recordings, index)[1]
    if not isinstance(found, int | np.integer) or found < 0:
        raise UnsupportedError(
            f"data {spec}: recording {index} has the target {found!r:.40}, not a class 0, 1, 2 ...; only sets of "
            "classes can be trained on"
        )
    return int(found)


def _divided(recordings: Any, labels: LabelArray, train: bool) -> list[int]:
    """Of each class the first `TRAIN_SHARE` of the recordings, or the rest, in the order of their files' numbers."""
    files = [str(file) for file in recordings.data]
    order = sorted(range(len(files)), key=lambda i: (int(labels[i]), _numbered(files[i])))
    chosen: list[int] = []
    for label in np.unique(labels):
        own = [i for i in order if labels[i] == label]
        cut = round(TRAIN_SHARE * len(own))
        chosen += own[:cut] if train else own[cut:]
    return chosen


def _numbered(file: str) -> list[tuple[int, str]]:
    """A key that sorts a_2 before a_10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", Path(file).name)]


def _sensor(spec: DataSpec, recordings: Any) -> tuple[int, int, int]:
    """Width, height and polarities."""
    size = getattr(recordings, "sensor_size", None)
    if size is None or len(size) != 3:
        raise UnsupportedError(f"data {spec}: its recordings have no common sensor size (tonic says {size})")
    width, height, polarities = map(int, size)
    return width, height, polarities


def _read(spec: DataSpec, recordings: Any, index: int) -> Any:
    try:
        return recordings[index]
    except Exception as error:  # tonic's readers raise anything
        raise InputError(
            f"data {spec}: tonic cannot read recording {index} ({type(error).__name__}: {error})"
        ) from None


def _events(recording: Any, polarities: int) -> Events:
    """Events of tonic's structured array; a sensor of one polarity has row 0 and polarity 0 alone."""
    raw = recording[0]

    def column(name: str) -> npt.NDArray[np.int64]:
        known = name in raw.dtype.names and not (name == "p" and polarities == 1)
        return raw[name].astype(np.int64) if known else np.zeros(len(raw), np.int64)

    return Events(*(column(name) for name in "txyp"))
