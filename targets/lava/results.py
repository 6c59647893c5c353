"""The boards of a run: made before it by the worker, read after it by the caller, in model time.

| board                   | shape              | dtype | content                                    |
|-------------------------|--------------------|-------|--------------------------------------------|
| `LAYER.spikes.npy`      | `(N * T, n)`       | int8  | spikes, one row a step                     |
| `LAYER.membrane.npy`    | `(N * T, n)`       | int32 | potentials after the reset                 |
| `LAYER.overflows.npy`   | `(1,)`             | int64 | values that a register could not hold      |
| `progress.npy`          | `(1,)`             | int64 | steps that the output has completed        |
| `weights.npy`           | `(k + 1, out, in)` | int8  | learned weights: snapshots, then the final |
| `changed.npy`           | `(1,)`             | int64 | number of weight changes                   |
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import IntArray, LayerTrace
from neurodeploy.targets.lava.boards import attach
from neurodeploy.targets.lava.job import Job

PROGRESS, WEIGHTS, CHANGED = "progress.npy", "weights.npy", "changed.npy"


def spikes_file(layer: str) -> str:
    """Name of the board of a layer's spikes."""
    return f"{layer}.spikes.npy"


def membrane_file(layer: str) -> str:
    """Name of the board of a layer's potentials."""
    return f"{layer}.membrane.npy"


def overflows_file(layer: str) -> str:
    """Name of the board that counts a layer's overflows."""
    return f"{layer}.overflows.npy"


def read_spikes(folder: Path, job: Job, layer: str) -> IntArray:
    """Spikes of a layer, `(T, N, *shape)` int64."""
    return _model_time(attach(folder / spikes_file(layer)), job, layer)


def read_membrane(folder: Path, job: Job, layer: str) -> IntArray:
    """Potentials of a layer at the end of each step, `(T, N, *shape)` int64."""
    return _model_time(attach(folder / membrane_file(layer)), job, layer)


def read_traces(folder: Path, job: Job) -> dict[str, LayerTrace]:
    """Spikes and potentials of every traced layer."""
    return {
        layer: LayerTrace(read_spikes(folder, job, layer), read_membrane(folder, job, layer))
        for layer in job.traced
    }


def read_overflows(folder: Path, job: Job) -> dict[str, int]:
    """Overflows of every layer of neurons."""
    return {layer: int(attach(folder / overflows_file(layer))[0]) for layer in job.network.neurons}


def read_weights(folder: Path, job: Job) -> tuple[npt.NDArray[np.int8], dict[int, npt.NDArray[np.int8]]]:
    """The final weights, and the snapshots by number of samples."""
    rows = np.array(attach(folder / WEIGHTS))
    return rows[-1], dict(zip(job.snapshot_at, rows[:-1], strict=True))


def read_count(folder: Path, name: str) -> int:
    """The number on the board `name`; 0 while the worker has not made it."""
    try:
        return int(attach(folder / name)[0])
    except (OSError, ValueError):
        return 0


def _model_time(rows: npt.NDArray[Any], job: Job, layer: str) -> IntArray:
    shape = job.network.graph.types[layer].shape
    by_sample = rows.reshape(job.samples, job.steps, *shape)
    return np.ascontiguousarray(by_sample.swapaxes(0, 1)).astype(np.int64)
