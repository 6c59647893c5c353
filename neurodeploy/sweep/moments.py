"""Second moments that all points of a sweep share, in files."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.files import write_atomic
from neurodeploy.ir import Conv, Dense, Graph
from neurodeploy.quant.moments import Measured

Array = npt.NDArray[Any]
FOLDER = "moments"


@dataclass(frozen=True, slots=True, eq=False)
class KeptMoments:
    """`neurodeploy.quant.moments.Moments` in FOLDER/moments/KEY.npy, one file a group of synapses.

    The moments depend on the network and the data, not on the bits, so that they are measured once for all points,
    jobs and later sweeps; a process that does not see the folder measures them itself. KEY is the
    SHA-256 of `digest`, which names graph, sample, time axis, steps and versions, and the group's name. `sample` and
    `time_axis` are as in `Measured`.
    """

    graph: Graph
    sample: Array
    steps: int
    folder: Path
    digest: str
    time_axis: bool = False

    def of(self, synapses: str) -> Array:
        """See `Moments`; read without copying."""
        if not self._is_kept(synapses):
            self.measure()
        kept: Array = np.load(self._path(synapses), mmap_mode="r")
        return kept

    def measure(self) -> None:
        """Write the files that are missing, from one float run."""
        (self.folder / FOLDER).mkdir(parents=True, exist_ok=True)
        measured = Measured(self.graph, self.sample, self.steps, time_axis=self.time_axis)
        for name in (*self.graph.of(Dense), *self.graph.of(Conv)):
            if not self._is_kept(name):
                buffer = io.BytesIO()
                np.save(buffer, measured.of(name))
                write_atomic(self._path(name), buffer.getvalue())

    def _is_kept(self, synapses: str) -> bool:
        return self._path(synapses).is_file()

    def _path(self, synapses: str) -> Path:
        key = hashlib.sha256(f"{self.digest} {synapses}".encode()).hexdigest()
        return self.folder / FOLDER / f"{key}.npy"
