"""The boards of a run: made before it by the worker, read after it by the caller, in model time.

The samples run in R rounds of B side by side; B is 1 except in batched runs.

| board                   | shape              | dtype | content                                    |
|-------------------------|--------------------|-------|--------------------------------------------|
| `LAYER.spikes.npy`      | `(R * T, B * n)`   | int32 | spikes, one row a step                     |
| `LAYER.membrane.npy`    | `(R * T, B * n)`   | int32 | potentials after the reset                 |
| `LAYER.current.npy`     | `(R * T, B * n)`   | int32 | currents, where they are traced            |
| `LAYER.overflows.npy`   | `(1,)`             | int64 | values that a register could not hold      |
| `progress.npy`          | `(1,)`             | int64 | steps that the output has completed        |
| `LAYER.weights.npy`     | `(k + 1, *W)`      | int8  | learned weights: snapshots, then the final |
| `LAYER.changed.npy`     | `(k + 1,)`         | int64 | number of weight changes, likewise         |
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import IntArray, LayerTrace, Result
from neurodeploy.targets.lava.boards import attach
from neurodeploy.targets.lava.job import Job
from neurodeploy.targets.lava.schedule import sender
from neurodeploy.targets.lava.standard import no_overflows

PROGRESS = "progress.npy"


def spikes_file(layer: str) -> str:
    """Name of the board of a layer's spikes."""
    return f"{layer}.spikes.npy"


def membrane_file(layer: str) -> str:
    """Name of the board of a layer's potentials."""
    return f"{layer}.membrane.npy"


def current_file(layer: str) -> str:
    """Name of the board of a layer's currents."""
    return f"{layer}.current.npy"


def overflows_file(layer: str) -> str:
    """Name of the board that counts a layer's overflows."""
    return f"{layer}.overflows.npy"


def weights_file(layer: str) -> str:
    """Name of the board of a layer's learned weights."""
    return f"{layer}.weights.npy"


def changed_file(layer: str) -> str:
    """Name of the board that counts a layer's weight changes."""
    return f"{layer}.changed.npy"


def read_output(folder: Path, job: Job) -> IntArray:
    """What the network shows, spikes or a readout's potentials, `(T, N, *out)` int64, through delays at its end."""
    graph = job.network.graph
    layer, delay = sender(graph, graph.output)
    found = _membrane(folder, job, layer) if job.network.is_readout else _spikes(folder, job, layer)
    silence = np.zeros_like(found[:delay])
    shown = np.concatenate([silence, found[: len(found) - len(silence)]])
    return shown.reshape(*shown.shape[:2], *graph.types[graph.output].shape)


def read_traces(folder: Path, job: Job) -> dict[str, LayerTrace]:
    """Spikes, potentials and where asked for currents of every traced layer."""
    return {
        layer: LayerTrace(
            _spikes(folder, job, layer),
            _membrane(folder, job, layer),
            _model_time(attach(folder / current_file(layer)), job, layer) if job.current else None,
        )
        for layer in job.traced
    }


def read_overflows(folder: Path, job: Job) -> dict[str, int] | None:
    """Overflows of every layer of neurons; None where Lava's own processes run and could have some."""
    if job.standard:
        return no_overflows(job.network)
    return {layer: int(attach(folder / overflows_file(layer))[0]) for layer in job.network.neurons}


def joined(parts: Sequence[Result]) -> Result:
    """One result of runs of one network on samples one after the other on Lava's own processes; seconds add up."""
    first = parts[0]
    membranes = [part.membrane for part in parts if part.membrane is not None]
    return Result(
        first.backend,
        np.concatenate([part.spikes for part in parts], axis=1),
        np.concatenate(membranes, axis=1) if membranes else None,
        sum(part.seconds for part in parts),
        {layer: LayerTrace.joined([part.traces[layer] for part in parts]) for layer in first.traces},
        first.overflows,
    )


def read_weights(folder: Path, layer: str, row: int) -> npt.NDArray[np.int8]:
    """Weights that a layer learned, of a snapshot or, in row -1, in the end."""
    return np.array(attach(folder / weights_file(layer))[row])


def read_changed(folder: Path, layer: str, row: int) -> int:
    """Number of weight changes of a layer, likewise."""
    return int(attach(folder / changed_file(layer))[row])


def read_count(folder: Path, name: str) -> int:
    """The number on the board `name`; 0 while the worker has not made it."""
    try:
        return int(attach(folder / name)[0])
    except (OSError, ValueError):
        return 0


def _spikes(folder: Path, job: Job, layer: str) -> IntArray:
    return _model_time(attach(folder / spikes_file(layer)), job, layer)


def _membrane(folder: Path, job: Job, layer: str) -> IntArray:
    return _model_time(attach(folder / membrane_file(layer)), job, layer)


def _model_time(rows: npt.NDArray[Any], job: Job, layer: str) -> IntArray:
    shape = job.network.graph.types[layer].shape
    by_round = rows.reshape(job.rounds, job.steps, job.batch, *shape).swapaxes(0, 1)
    by_sample = by_round.reshape(job.steps, job.rounds * job.batch, *shape)[:, : job.samples]
    return np.ascontiguousarray(by_sample).astype(np.int64)
