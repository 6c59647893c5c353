"""What every loader returns."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import InputError, UsageError

Split = Literal["train", "test", "all"]
FloatArray = npt.NDArray[np.float32]
LabelArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Samples and labels, read-only.

    `x` float32: `(N, *shape)` static, or `(N, T, *shape)` where `time_axis`. `y` int64 `(N,)`, labels
    0..classes-1, or None where the file has none (then `classes` is 0). `spec` loads the same data again;
    `split` is 'all' for a file that is not divided; `assumed` says what the file leaves open.
    """

    name: str
    split: Split
    spec: str
    x: FloatArray
    y: LabelArray | None
    classes: int
    time_axis: bool
    source: str
    licence: str
    assumed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            if getattr(self, name) is not None:
                view = getattr(self, name).view()
                view.setflags(write=False)
                object.__setattr__(self, name, view)

    def __len__(self) -> int:
        """Number of samples N."""
        return len(self.x)

    def __repr__(self) -> str:
        time = f", {self.steps} time steps" if self.steps else ""
        return f"Dataset({self.spec}: {len(self)} x {self.shape}{time}, {self.classes} classes)"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample at one time step."""
        return self.x.shape[2:] if self.time_axis else self.x.shape[1:]

    @property
    def steps(self) -> int | None:
        """Time steps T of a sample; None for static samples."""
        return self.x.shape[1] if self.time_axis else None

    @property
    def time_first(self) -> FloatArray:
        """The samples as a network takes them: `(N, *shape)`, or `(T, N, *shape)` with a time axis."""
        return self.x.swapaxes(0, 1) if self.time_axis else self.x

    def limit(self, n: int) -> Dataset:
        """The first `n` samples, or all where there are fewer; `UsageError` for n < 1."""
        if n < 1:
            raise UsageError(f"the number of samples must be 1 or more, not {n}")
        return replace(self, x=self.x[:n], y=None if self.y is None else self.y[:n])

    def labels(self) -> LabelArray:
        """`y`, for work that needs labels; `InputError` where there are none."""
        if self.y is None:
            raise InputError(f"{self.spec} has no labels. Add an int64 array 'y' with {len(self)} values")
        return self.y

    def sha256(self) -> str:
        """Digest of the samples and labels, to recognize the same data again."""
        digest = hashlib.sha256(repr((self.x.shape, self.time_axis)).encode())
        digest.update(np.ascontiguousarray(self.x).data)
        if self.y is not None:
            digest.update(np.ascontiguousarray(self.y).data)
        return digest.hexdigest()


def check_labels(dataset: Dataset, classes: int) -> LabelArray:
    """The labels of `dataset` for a model with `classes` outputs.

    Raises `InputError` naming the first label outside 0..classes-1, or where there are no labels.
    """
    labels = dataset.labels()
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if wrong.size:
        raise InputError(
            f"{dataset.spec}: sample {wrong[0]} has label {labels[wrong[0]]}, "
            f"but the model has {classes} classes (labels 0..{classes - 1}); {wrong.size} of {len(labels)} "
            "labels are out of range. Use a model with more outputs or repair 'y'"
        )
    return labels
