"""A user's own data: a NumPy .npz file with `x`, and optionally `y` and `time_axis`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.data.archive import Arrays, read_arrays
from neurodeploy.data.dataset import Dataset, FloatArray, LabelArray
from neurodeploy.errors import InputError, UsageError

_KEYS = ("x", "y", "time_axis")


def load_npz(path: Path, steps: int | None = None) -> Dataset:
    """Read `x` `(N, *shape)` or `(N, T, *shape)` and, where there is one, `y` `(N,)` of integers.

    The second axis is time where the file holds `time_axis` = 1, and is not where it holds 0. A file without
    `time_axis` has a time axis where `x` has three axes or more and the second is `steps` long; `assumed` says so.

    Raises `InputError` for a missing or damaged file and for bad values (nothing is ever unpickled), and
    `UsageError` where the file's T is not `steps`.
    """
    arrays = _read(path)
    x = _samples(path, arrays)
    time_axis = _time_axis(path, arrays.get("time_axis"), x, steps)
    if time_axis and steps is not None and x.shape[1] != steps:
        found = x.shape[1]
        raise UsageError(f"{path}: samples have {found} time steps, not {steps}. Try --steps {found}")
    y = _labels(path, arrays["y"], len(x)) if "y" in arrays else None
    return Dataset(
        name=path.stem,
        split="all",
        spec=str(path),
        x=x,
        y=y,
        classes=0 if y is None else int(y.max()) + 1,
        time_axis=time_axis,
        source=str(path),
        licence="not stated",
        assumed=(_assumption(path, x),) if time_axis and "time_axis" not in arrays else (),
    )


def _read(path: Path) -> Arrays:
    arrays, found = read_arrays(path, _KEYS)
    if "x" not in arrays:
        there = ", ".join(found) or "nothing"
        raise InputError(f"{path}: no array 'x'; there is {there}. Name the samples 'x'")
    return arrays


def _samples(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> FloatArray:
    raw = arrays["x"]
    if raw.dtype.kind not in "biuf":
        raise InputError(f"{path}: 'x' must hold real numbers, not {raw.dtype}")
    if raw.ndim < 2 or raw.size == 0:
        raise InputError(f"{path}: 'x' must be (samples, ...) and hold at least one value, not {raw.shape}")
    with np.errstate(over="ignore"):
        x: FloatArray = raw.astype(np.float32)
    bad = np.argwhere(~np.isfinite(x))
    if len(bad):
        raise InputError(
            f"{path}: 'x' holds {len(bad)} of {x.size} values that are NaN, infinite or beyond float32; "
            f"the first is in sample {bad[0][0]} at {tuple(map(int, bad[0][1:]))}"
        )
    return x


def _time_axis(path: Path, mark: npt.NDArray[Any] | None, x: FloatArray, steps: int | None) -> bool:
    if mark is None:
        return x.ndim >= 3 and x.shape[1] == steps
    if mark.size != 1 or mark.dtype.kind not in "biu" or mark.item() not in (0, 1):
        raise InputError(f"{path}: 'time_axis' must be 0 or 1, not {mark.tolist()!r:.40}")
    if mark.item() and x.ndim < 3:
        raise InputError(f"{path}: with 'time_axis' = 1, 'x' must be (samples, time, ...), not {x.shape}")
    return bool(mark.item())


def _assumption(path: Path, x: FloatArray) -> str:
    return (
        f"{path}: holds no 'time_axis'; the second axis of 'x' {x.shape} is as long as a sample has time steps and is "
        "taken as time. Save the file with time_axis=1, or 0 where it is not"
    )


def _labels(path: Path, raw: npt.NDArray[Any], samples: int) -> LabelArray:
    if raw.shape != (samples,):
        raise InputError(f"{path}: 'y' must have one label for each of {samples} samples, not {raw.shape}")
    if raw.dtype.kind not in "iu":
        raise InputError(f"{path}: 'y' must hold integers, not {raw.dtype} (sample 0 has {raw[0]!r:.40})")
    wrong = np.flatnonzero((raw < 0) | (raw >= 2**31))
    if wrong.size:
        raise InputError(f"{path}: sample {wrong[0]} has label {raw[wrong[0]]}; labels must be 0, 1, 2 ...")
    return raw.astype(np.int64)
