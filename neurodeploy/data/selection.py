"""Some samples of a data set, and several sets as one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from neurodeploy.data.dataset import Dataset
from neurodeploy.errors import InputError

Index = npt.NDArray[np.int64]


def select(dataset: Dataset, samples: Index) -> Dataset:
    """The samples of these indices, in their order; an index may come twice. `InputError` where there is none."""
    if not len(samples):
        raise InputError(f"{dataset.spec}: no sample is left of {len(dataset)}. Use more data or other parts")
    return replace(dataset, x=dataset.x[samples], y=None if dataset.y is None else dataset.y[samples])


def of_classes(dataset: Dataset, classes: Collection[int]) -> Dataset:
    """The samples with one of these labels, in their order."""
    return select(dataset, np.flatnonzero(np.isin(dataset.labels(), list(classes))))


def joined(parts: Sequence[Dataset]) -> Dataset:
    """The samples of sets of one shape one after the other; all else is the first one's."""
    x = np.concatenate([part.x for part in parts])
    return replace(parts[0], x=x, y=np.concatenate([part.labels() for part in parts]))


def first_and_rest(dataset: Dataset, first: int, seed: int) -> tuple[Dataset, Dataset]:
    """`first` samples and all others, both shuffled by `seed`; no sample is in both.

    Raises `InputError` unless there are more than `first`.
    """
    if not 0 < first < len(dataset):
        raise InputError(
            f"{dataset.spec} has {len(dataset)} samples, of which {first} cannot be set apart from the others"
        )
    order = np.random.default_rng(seed).permutation(len(dataset))
    return select(dataset, order[:first]), select(dataset, order[first:])
