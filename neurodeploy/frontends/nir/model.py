"""A `.nir` file as a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from neurodeploy.errors import NeurodeployError, UsageError
from neurodeploy.frontends.hdf5 import read_hdf5
from neurodeploy.frontends.imported import Imported
from neurodeploy.frontends.nir.builder import build
from neurodeploy.frontends.nir.config import NirConfig, settings
from neurodeploy.frontends.nir.exact import NAME, restore
from neurodeploy.frontends.nir.file import read_graph
from neurodeploy.ir import Graph
from neurodeploy.network import Note


@dataclass(frozen=True, slots=True)
class NirModel:
    """The graph of a `.nir` file: `imported` is float, or integer where the file holds a compiled network."""

    origin: str
    imported: Imported
    steps: int | None = None
    data: str | None = None

    def read(self, sample: npt.NDArray[np.float32] | None, steps: int | None) -> Imported:
        """The graph and what was assumed; the file alone says it, so neither argument matters."""
        return self.imported


_NOTHING = NirConfig()


def open_nir(path: str | Path, preset: str | None = None, config: NirConfig = _NOTHING) -> NirModel:
    """Read a file of NIR 0.1 to 1.0.8.

    What NIR leaves open is taken from `config` (`--set nir.KEY=VALUE`), else from `preset` (`--from PRESET`, see
    `PRESETS`). A file that `export_nir` wrote says everything itself, exactly, and takes neither.

    Raises `InputError` for a file that is damaged or contradicts itself, `UnsupportedError` for what has no meaning
    in a graph or must be said first, `UsageError` for a preset that does not exist, or for settings of a file that
    says everything; `BackendMissing` without h5py.
    """
    path = Path(path)
    said = settings(preset, config)
    root = read_hdf5(path)
    try:
        exact = restore(root)
        if exact is None:
            return NirModel(str(path), build(read_graph(root), said))
    except NeurodeployError as error:
        raise type(error)(f"{path}: {error}") from None
    if preset is not None or config != _NOTHING:
        given = f"--from {preset}" if preset is not None else f"--set nir.{next(iter(_said(config)))}"
        raise UsageError(f"{path} was written by neurodeploy and says everything itself; leave out {given}")
    what = f"the number for number content of the group /{NAME} is taken, not the nodes"
    if isinstance(exact, Graph):
        return NirModel(str(path), Imported(exact, (Note("nir", what),)))
    notes = (*exact.notes, Note("nir", f"{what}; it was compiled for {exact.target}"))
    return NirModel(str(path), Imported(exact.graph, notes), exact.steps)


def _said(config: NirConfig) -> dict[str, object]:
    return {key: value for key, value in msgspec.structs.asdict(config).items() if value is not None}
