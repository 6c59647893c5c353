"""From a specification to a data set."""

from __future__ import annotations

from pathlib import Path

from neurodeploy.data.dataset import Dataset
from neurodeploy.data.npz import load_npz
from neurodeploy.data.registry import find
from neurodeploy.data.spec import is_npz, parse


def load(spec: str, steps: int | None = None) -> Dataset:
    """Load NAME[:FOLDER][@train|@test] (default @test) or a path ending in .npz.

    `steps` is the number of time steps T the network will run: an .npz that does not say `time_axis` is
    read as `(N, T, *shape)` where its second axis equals `steps` (see `neurodeploy.data.npz`); events, such as
    nmnist, are collected in `steps` frames.

    Raises `UsageError` (unknown name or split), `InputError` (missing or damaged files, bad values),
    `BackendMissing` (scikit-learn for the digits).
    """
    if is_npz(spec):
        return load_npz(Path(spec), steps)
    wanted = parse(spec)
    return find(wanted.name).load(wanted, steps)
