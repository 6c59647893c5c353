"""The table of built-in data sets. Adding one is an entry here; listing loads nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol

from neurodeploy.data.cifar import Cifar10
from neurodeploy.data.dataset import Dataset
from neurodeploy.data.digits import Digits
from neurodeploy.data.frames import by_count, by_time
from neurodeploy.data.images import ImageSet, idx_files
from neurodeploy.data.myo import Myo
from neurodeploy.data.nmnist import NMnist
from neurodeploy.data.sensor_drift import Drift
from neurodeploy.data.spec import DataSpec
from neurodeploy.data.tonic_sets import Tonic
from neurodeploy.errors import UsageError


class Loader(Protocol):
    """Loads a split of a data set."""

    def load(self, spec: DataSpec, steps: int | None = None) -> Dataset:
        """Load one split; events are collected in `steps` frames."""


class Source(Loader, Protocol):
    """A loader and what is known without loading; files are looked for, not read."""

    @property
    def name(self) -> str:
        """Name in a specification."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample."""

    @property
    def classes(self) -> int:
        """Number of classes."""

    @property
    def sizes(self) -> tuple[int, int]:
        """Samples in train and test."""

    @property
    def licence(self) -> str:
        """Licence of the data."""

    @property
    def source(self) -> str:
        """Where the data come from."""

    def where(self) -> str | None:
        """Place where the data are found, or None."""


_DIGITS = (
    Digits("digits", None),
    Digits("digits-drift", Drift()),
)
_IMAGES = (
    ImageSet(
        name="fashion-mnist",
        licence="MIT",
        source="Zalando Research, https://github.com/zalandoresearch/fashion-mnist",
        mirrors=(
            "https://fashion-mnist.s3.eu-central-1.amazonaws.com",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion",
        ),
        debian_package="dataset-fashion-mnist",
        files=idx_files(
            train_images="c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            train_labels="bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            test_images="5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            test_labels="0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    ),
    ImageSet(
        name="mnist",
        licence="not stated by its authors",
        source="Y. LeCun, C. Cortes, C. Burges, http://yann.lecun.com/exdb/mnist",
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist",
            "https://storage.googleapis.com/cvdf-datasets/mnist",
        ),
        debian_package=None,
        files=idx_files(
            train_images="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            train_labels="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            test_images="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            test_labels="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
)
_COLOUR = (Cifar10(),)
_EVENTS = (NMnist("nmnist", by_time), NMnist("nmnist-count", by_count))
_SIGNALS = (Myo("myo"),)
DATASETS: dict[str, Source] = {
    source.name: source for source in (*_DIGITS, *_IMAGES, *_COLOUR, *_EVENTS, *_SIGNALS)
}
"""Every built-in data set by name."""

LIBRARIES: dict[str, Loader] = {
    source.name: source for source in (Tonic("tonic", by_time), Tonic("tonic-count", by_count))
}
"""Those of other packages: NAME:SET."""

DOWNLOADS: dict[str, ImageSet] = {source.name: source for source in _IMAGES}
"""Those that `neurodeploy data get` fetches."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One row of `neurodeploy data list`; `found` is None where the data are not on this machine."""

    name: str
    shape: tuple[int, ...]
    classes: int
    train: int
    test: int
    found: str | None
    licence: str
    source: str

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON-ready values."""
        return asdict(self)


def find(name: str) -> Loader:
    """The loader of that name; `UsageError` listing the names where there is none."""
    known: dict[str, Loader] = {**DATASETS, **LIBRARIES}
    if name not in known:
        names = ", ".join((*DATASETS, *(f"{library}:SET" for library in LIBRARIES)))
        raise UsageError(f"no data set {name!r}. There are {names}, and paths ending in .npz")
    return known[name]


def catalogue() -> tuple[Listing, ...]:
    """Every built-in data set and where it was found; reads no data."""
    return tuple(
        Listing(s.name, s.shape, s.classes, *s.sizes, found=s.where(), licence=s.licence, source=s.source)
        for s in DATASETS.values()
    )
