"""The notation of data on the command line: NAME[:FOLDER][@train|@test], or a path ending in .npz."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neurodeploy.errors import UsageError


@dataclass(frozen=True, slots=True)
class DataSpec:
    """A parsed specification; `folder` is None where none was given."""

    name: str
    folder: str | None
    split: Literal["train", "test"]

    def __str__(self) -> str:
        return f"{self.name}{':' + self.folder if self.folder else ''}@{self.split}"


def is_npz(spec: str) -> bool:
    """Whether `spec` is the path of an .npz file."""
    return spec.lower().endswith(".npz")


def parse(spec: str) -> DataSpec:
    """Parse NAME[:FOLDER][@train|@test]; the split is 'test' where none is given. `UsageError` otherwise."""
    body, at, split = spec.rpartition("@")
    if at and split in ("train", "test"):
        if is_npz(body):
            raise UsageError(f"data {spec!r}: an .npz file has no splits. Write {body!r}")
    elif at and ":" not in body:
        raise UsageError(f"data {spec!r}: the split must be @train or @test, not @{split}")
    else:
        body, split = spec, "test"
    name, colon, folder = body.partition(":")
    if not name or (colon and not folder):
        raise UsageError(f"data {spec!r} must be NAME[:FOLDER][@train|@test] or a path ending in .npz")
    return DataSpec(name, folder or None, "train" if split == "train" else "test")
