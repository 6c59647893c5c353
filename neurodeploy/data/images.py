"""Image sets in four IDX files: MNIST and its relatives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from neurodeploy.data.dataset import Dataset
from neurodeploy.data.idx import read_idx
from neurodeploy.data.places import cache, usual_places
from neurodeploy.data.spec import DataSpec
from neurodeploy.errors import InputError


@dataclass(frozen=True, slots=True)
class IdxFile:
    """One file of a set: its name without .gz, the size and sha256 of its content unpacked."""

    name: str
    size: int
    sha256: str

    def find(self, folder: Path) -> Path | None:
        """The file in `folder`, gzipped or raw."""
        return next((p for p in (folder / f"{self.name}.gz", folder / self.name) if p.is_file()), None)


def idx_files(train_images: str, train_labels: str, test_images: str, test_labels: str) -> dict[str, IdxFile]:
    """The four files of an MNIST-like set (60000 + 10000 images of 28x28), from the sha256 of each."""
    return {
        "train images": IdxFile("train-images-idx3-ubyte", 16 + 60000 * 784, train_images),
        "train labels": IdxFile("train-labels-idx1-ubyte", 8 + 60000, train_labels),
        "test images": IdxFile("t10k-images-idx3-ubyte", 16 + 10000 * 784, test_images),
        "test labels": IdxFile("t10k-labels-idx1-ubyte", 8 + 10000, test_labels),
    }


@dataclass(frozen=True, slots=True)
class ImageSet:
    """Images x = pixels / 255, float32 `(N, 28, 28)`, ten classes, from IDX files in one folder."""

    name: str
    licence: str
    source: str
    mirrors: tuple[str, ...]
    debian_package: str | None
    files: Mapping[str, IdxFile]
    shape: ClassVar[tuple[int, ...]] = (28, 28)
    classes: ClassVar[int] = 10
    sizes: ClassVar[tuple[int, int]] = (60000, 10000)

    def places(self) -> tuple[Path, ...]:
        """Folders looked in, in this order, where a specification names none."""
        places = [*usual_places(self.name)]
        if self.debian_package:
            places.append(Path("/usr/share/datasets") / self.name)
        return tuple(places)

    def cache(self) -> Path:
        """The user's folder for this set, where downloads go."""
        return cache(self.name)

    def where(self) -> str | None:
        """The first place that holds all four files."""
        complete = (p for p in self.places() if all(file.find(p) for file in self.files.values()))
        return next((str(place) for place in complete), None)

    def load(self, spec: DataSpec, steps: int | None = None) -> Dataset:
        """One split; `steps` makes no difference to static images.

        Raises `InputError` where a file is missing, damaged, or of another size than its partner.
        """
        folder = Path(spec.folder).expanduser() if spec.folder else None
        places = (folder,) if folder else self.places()
        images = read_idx(self._file(f"{spec.split} images", places), axes=3)
        labels = read_idx(self._file(f"{spec.split} labels", places), axes=1)
        if len(images) != len(labels) or not len(images):
            raise InputError(f"{spec}: {len(images)} images but {len(labels)} labels. Fetch the files again")
        return Dataset(
            name=self.name,
            split=spec.split,
            spec=str(spec),
            x=images.astype(np.float32) / np.float32(255),
            y=labels.astype(np.int64),
            classes=self.classes,
            time_axis=False,
            source=self.source,
            licence=self.licence,
        )

    def _file(self, key: str, places: tuple[Path, ...]) -> Path:
        wanted = self.files[key]
        found = next((p for p in (wanted.find(place) for place in places) if p), None)
        if found is None:
            raise InputError(
                f"{self.name}: no {wanted.name}[.gz] in {', '.join(map(str, places))}. "
                f"Fetch it: neurodeploy data get {self.name}, or name a folder: {self.name}:FOLDER"
            )
        return found
