"""scikit-learn's 8x8 handwritten digits: real data that need no download."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import ClassVar

import numpy as np

from neurodeploy.data.dataset import Dataset, LabelArray
from neurodeploy.data.sensor_drift import Drift, drift
from neurodeploy.data.spec import DataSpec
from neurodeploy.errors import BackendMissing, UsageError

SPLIT_SEED = 0


@dataclass(frozen=True, slots=True)
class Digits:
    """1797 digits, 1300 to train and 497 to test, in equal shares of every class; x = counts / 16.

    With `change` the same samples in the same split, seen by a drifted sensor.
    """

    name: str
    change: Drift | None
    shape: ClassVar[tuple[int, ...]] = (8, 8)
    classes: ClassVar[int] = 10
    sizes: ClassVar[tuple[int, int]] = (1300, 497)
    licence: ClassVar[str] = "CC BY 4.0"
    source: ClassVar[str] = "UCI optical digits test set (Alpaydin, Kaynak 1998), in scikit-learn"

    def where(self) -> str | None:
        """'scikit-learn' where it is installed."""
        return "scikit-learn" if find_spec("sklearn") else None

    def load(self, spec: DataSpec, steps: int | None = None) -> Dataset:
        """x float32 `(N, 8, 8)` in [0, 1], 17 levels, whatever `steps` are. `BackendMissing` without scikit-learn."""
        if spec.folder:
            raise UsageError(f"data {spec}: {self.name} come with scikit-learn. Leave out ':{spec.folder}'")
        try:
            from sklearn.datasets import load_digits
        except ImportError:
            install = "pip install 'scikit-learn>=1.3'"
            raise BackendMissing(f"{self.name}: scikit-learn is not installed. Try: {install}") from None
        raw = load_digits()
        labels: LabelArray = raw.target.astype(np.int64)
        train, test = stratified_split(labels, self.sizes[0])
        chosen = train if spec.split == "train" else test
        x = raw.images[chosen].astype(np.float32) / np.float32(16)
        if self.change:
            x = drift(x, self.change)
        return Dataset(
            name=self.name,
            split=spec.split,
            spec=str(spec),
            x=x,
            y=labels[chosen],
            classes=self.classes,
            time_axis=False,
            source=self.source,
            licence=self.licence,
        )


def stratified_split(labels: LabelArray, train: int) -> tuple[LabelArray, LabelArray]:
    """Indices of `train` samples and of the rest, shuffled; every class has its share to within one sample.

    The k-th of a class's n shuffled samples stands at (k + 0.5) / n; the lowest `train` positions are taken.
    numpy's RandomState is used because its streams never change between versions.
    """
    random = np.random.RandomState(SPLIT_SEED)
    position = np.empty(len(labels))
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        position[members] = (np.arange(len(members)) + 0.5) / len(members)
    order = np.argsort(position, kind="stable")
    return random.permutation(order[:train]), random.permutation(order[train:])
