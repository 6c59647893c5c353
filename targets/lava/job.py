"""One Lava run as a folder: all that the worker process needs, and all that it hands back.

| file               | content                                                                        |
|--------------------|--------------------------------------------------------------------------------|
| `job.json`         | the graph, registers, number of steps and samples, learning rule               |
| `arrays.npz`       | the graph's arrays by name                                                     |
| `frames.npy`       | input int32, `(N, n)` static, else `(T, N, n)`, N filled up to whole batches    |
| `labels.npy`       | int32 `(N, 1)`, for learning                                                   |
| `start.npz`        | what learning starts from: weights and spikes by name of layer                 |
| boards             | results, written step by step (`neurodeploy.targets.lava.results`)             |
| `log.txt`          | what the worker and its processes wrote to stdout and stderr                   |
| `outcome.json`     | written last: `{"seconds": s}` or `{"error": message}`                         |
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurodeploy.backend import IntArray
from neurodeploy.ir import from_json, to_json
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import Registers, ThreeFactorRule
from neurodeploy.semantics.fixed_point import Register
from neurodeploy.semantics.learning import LearningState

JOB, ARRAYS, FRAMES, LABELS, START, LOG, OUTCOME = (
    "job.json",
    "arrays.npz",
    "frames.npy",
    "labels.npy",
    "start.npz",
    "log.txt",
    "outcome.json",
)


@dataclass(frozen=True, slots=True)
class Job:
    """What to run: `samples` samples of `steps` time steps, `batch` of them side by side.

    `traced` names the layers of neurons whose spikes and potentials are kept, with `current` their currents too; the
    output's spikes or potentials always are. With a `rule` the network learns, from the state `start` on, and
    `snapshot_at` names the samples after which its weights are kept. `standard`: on Lava's own processes
    (`neurodeploy.targets.lava.standard`).
    """

    network: Network
    steps: int
    samples: int
    traced: tuple[str, ...] = ()
    rule: ThreeFactorRule | None = None
    snapshot_at: tuple[int, ...] = ()
    batch: int = 1
    standard: bool = False
    current: bool = False
    start: LearningState | None = None

    @property
    def rounds(self) -> int:
        """How many batches there are."""
        return -(-self.samples // self.batch)

    @property
    def idle(self) -> int:
        """How many places of the last batch hold no sample."""
        return self.rounds * self.batch - self.samples

    def ports(self, size: int) -> tuple[int, ...]:
        """Shape of the ports that carry `size` numbers a sample."""
        return (size,) if self.batch == 1 else (self.batch, size)


def write(folder: Path, job: Job, stimulus: Stimulus, labels: IntArray | None) -> None:
    """Write everything that `read` and the processes need."""
    graph, arrays = to_json(job.network.graph)
    description = {
        "graph": graph,
        "target": job.network.target,
        "steps": job.steps,
        "registers": asdict(job.network.registers),
        "samples": job.samples,
        "traced": job.traced,
        "current": job.current,
        "rule": job.rule and job.rule.to_dict(),
        "updates": job.start and job.start.updates,
        "snapshot_at": job.snapshot_at,
        "batch": job.batch,
        "standard": job.standard,
    }
    lead = 1 if stimulus.static else 2
    frames = stimulus.x.reshape(*stimulus.x.shape[:lead], -1).astype(np.int32)
    filling = [(0, 0)] * (lead - 1) + [(0, job.idle), (0, 0)]
    np.save(folder / FRAMES, np.pad(frames, filling))
    if labels is not None:
        np.save(folder / LABELS, labels.astype(np.int32).reshape(-1, 1))
    if job.start is not None:
        _write_start(folder, job.start)
    np.savez(folder / ARRAYS, **arrays)  # type: ignore[arg-type]
    (folder / JOB).write_text(json.dumps(description), encoding="utf-8")


def read(folder: Path) -> Job:
    """The job that `write` described."""
    data = json.loads((folder / JOB).read_text(encoding="utf-8"))
    with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
        graph = from_json(data["graph"], arrays)
    registers = Registers(**{name: Register(**register) for name, register in data["registers"].items()})
    return Job(
        Network(graph, data["steps"], data["target"], registers),
        data["steps"],
        data["samples"],
        tuple(data["traced"]),
        ThreeFactorRule.from_dict(data["rule"]) if data["rule"] else None,
        tuple(data["snapshot_at"]),
        data["batch"],
        data["standard"],
        data["current"],
        None if data["updates"] is None else _read_start(folder, data["updates"]),
    )


def _write_start(folder: Path, start: LearningState) -> None:
    named = {
        f"{kind}/{name}": array
        for kind, arrays in (("weights", start.weights), ("spikes", start.spikes))
        for name, array in arrays.items()
    }
    np.savez(folder / START, **named)  # type: ignore[arg-type]


def _read_start(folder: Path, updates: int) -> LearningState:
    kinds: dict[str, dict[str, Any]] = {"weights": {}, "spikes": {}}
    with np.load(folder / START, allow_pickle=False) as arrays:
        for key in arrays.files:
            kind, _, name = key.partition("/")
            kinds[kind][name] = arrays[key]
    return LearningState(kinds["weights"], updates, kinds["spikes"])


def write_outcome(folder: Path, outcome: Mapping[str, Any]) -> None:
    """Say how the run ended; the file appears whole or not at all."""
    draft = folder / f"{OUTCOME}.part"
    draft.write_text(json.dumps(outcome), encoding="utf-8")
    draft.replace(folder / OUTCOME)


def read_outcome(folder: Path) -> dict[str, Any] | None:
    """How the run ended, None when the worker ended without saying so."""
    try:
        outcome: dict[str, Any] = json.loads((folder / OUTCOME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return outcome
