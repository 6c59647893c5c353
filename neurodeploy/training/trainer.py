"""Training a network by a rule on a data set, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch

from neurodeploy.data import Dataset
from neurodeploy.models import Network
from neurodeploy.training import run_folder
from neurodeploy.training.config import TrainConfig
from neurodeploy.training.description import describe
from neurodeploy.training.interrupt import Interrupt
from neurodeploy.training.parallel import ALONE, Peers
from neurodeploy.training.precision import check_precision
from neurodeploy.training.progress import Watch
from neurodeploy.training.run_folder import EpochMetrics, RunInfo
from neurodeploy.training.running import Run
from neurodeploy.training.start import load_start


@dataclass(frozen=True, slots=True)
class TrainedRun:
    """A trained network, what was set, and one line of metrics per epoch."""

    module: Network
    info: RunInfo
    metrics: tuple[EpochMetrics, ...]

    def to_dict(self) -> dict[str, Any]:
        """What is known of the run, JSON-ready; the weights are left out."""
        builtins: dict[str, Any] = msgspec.to_builtins(self.info)
        return {**builtins, "metrics": msgspec.to_builtins(self.metrics)}


@torch.no_grad()
def train(
    model: str,
    dataset: Dataset,
    *,
    rule: str,
    steps: int,
    epochs: int = 10,
    test: Dataset | None = None,
    config: TrainConfig | None = None,
    seed: int = 0,
    folder: Path | None = None,
    resume: bool = False,
    start: Path | None = None,
    watch: Watch | None = None,
    peers: Peers = ALONE,
) -> TrainedRun:
    """Train the network of a notation such as `mlp:64-128-10` on `dataset`, running `steps` time steps.

    `test` is evaluated after each epoch; `seed` fixes the first weights and the order of the samples: the
    same arguments on the same kind of machine give the same bytes. With `folder` each epoch is kept
    there, and `resume` goes on from the last batch kept as if it had never stopped. `start` is the folder of a run of
    the same model, whose weights are the first ones. `peers` are the processes
    that share each batch, and their device; the first alone writes.

    The first Ctrl-C waits for the end of a batch, keeps all of it and raises KeyboardInterrupt.

    Raises `UsageError` (settings that make no sense or differ from those resumed, or another process that trains
    into `folder`), `InputError` (labels,
    damaged folder), `GateError` where the loss or a weight is no longer finite.
    """
    first = load_start(start) if start else None
    info = describe(model, dataset, test, rule, steps, epochs, config or TrainConfig(), seed, first)
    check_precision(info.config.precision, peers.device)
    info = msgspec.structs.replace(info, device=str(peers.device), processes=peers.size)
    watch = watch or Watch()
    written = run_folder.held(folder, not resume) if folder and peers.leads else nullcontext()
    with _threads(info.config.threads), Interrupt(watch.stopping) as interrupt, written:
        run = Run(info, dataset, test, folder, watch, peers, interrupt)
        if resume:
            run.restore()
        else:
            run.begin(first.weights if first else None)
        run.go_on()
    return TrainedRun(run.module, run.info, run.metrics)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Torch with `count` threads; the number there was is restored."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
