"""Training a network by a rule on a data set, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import numpy as np
import torch

from neurodeploy.data import Dataset
from neurodeploy.errors import GateError, UsageError
from neurodeploy.models import Network, build
from neurodeploy.training import run_folder
from neurodeploy.training.augment import changed
from neurodeploy.training.config import TrainConfig
from neurodeploy.training.description import check_same, describe
from neurodeploy.training.evaluation import accuracy
from neurodeploy.training.optimizers import Optimizer, make_optimizer, restore
from neurodeploy.training.rule import Batch, Outcome
from neurodeploy.training.rules import find_rule
from neurodeploy.training.run_folder import OPTIMIZER, EpochMetrics, RunInfo


@dataclass(frozen=True, slots=True)
class Watch:
    """Called while training: after each batch with (epoch, batches done, batches), after each epoch."""

    batch: Callable[[int, int, int], None] = lambda epoch, done, total: None
    epoch: Callable[[EpochMetrics], None] = lambda metrics: None


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
    watch: Watch | None = None,
) -> TrainedRun:
    """Train the network of a notation such as `mlp:64-128-10` on `dataset`, running `steps` time steps.

    `test` is evaluated after each epoch; `seed` fixes the first weights and the order of the samples: the
    same arguments on the same kind of machine give the same bytes. With `folder` each epoch is kept
    there, and `resume` goes on from the last one as if it had never stopped.

    Raises `UsageError` (settings that make no sense or differ from those resumed), `InputError` (labels,
    damaged folder), `GateError` where the loss or a weight is no longer finite.
    """
    info = describe(model, dataset, test, rule, steps, epochs, config or TrainConfig(), seed)
    run = _Run(build(info.model, seed), info, dataset, test, folder, watch or Watch())
    if resume:
        run.restore()
    with _threads(info.config.threads):
        if not resume:
            run.begin()
        while run.info.epochs_done < epochs:
            run.epoch()
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


class _Run:
    """A network in training: parameters, optimizer and what has been reached."""

    def __init__(
        self,
        module: Network,
        info: RunInfo,
        dataset: Dataset,
        test: Dataset | None,
        folder: Path | None,
        watch: Watch,
    ) -> None:
        self.module, self.info, self.dataset, self.test = module, info, dataset, test
        self.folder, self.watch = folder, watch
        self.metrics: tuple[EpochMetrics, ...] = ()
        self.parameters = {name: p.data for name, p in module.named_parameters()}
        config = info.config
        self.learner = find_rule(info.rule).learner(module, config.preset, config.options)
        self.optimizer: Optimizer = make_optimizer(
            config.optimizer, self.parameters, config.momentum, config.weight_decay
        )

    def begin(self) -> None:
        """Prepare a new run, and keep its first weights."""
        if self.folder:
            run_folder.create(self.folder)
        self.learner.prepare(next(self._batches(0)))
        self.commit()

    def commit(self) -> None:
        if self.folder:
            self.info = run_folder.commit(
                self.folder, self.info, dict(self.module.state_dict()), self.optimizer.state, self.metrics
            )

    def restore(self) -> None:
        """Go back to the last committed epoch of `folder`, which must have the same settings."""
        if self.folder is None or not (self.folder / run_folder.INFO).is_file():
            raise UsageError(f"there is no run to resume in {self.folder}. Leave out --resume")
        module, saved = run_folder.load_run(self.folder)
        check_same(saved, self.info)
        run_folder.settle(self.folder, saved)
        self.metrics = run_folder.read_metrics(self.folder, saved)
        restore(self.optimizer, run_folder.read_tensors(self.folder, saved, OPTIMIZER))
        self.module.load_state_dict(module.state_dict())
        self.info = saved

    def epoch(self) -> None:
        """Learn from every sample once, evaluate, commit."""
        start = perf_counter()
        epoch, config = self.info.epochs_done, self.info.config
        rate = config.rate(epoch, self.info.epochs)
        outcome = self._learn(epoch, rate)
        tested = accuracy(self.module, self.test, self.info.steps, self.learner) if self.test else None
        line = EpochMetrics(
            epoch=epoch + 1,
            learning_rate=rate,
            loss=outcome.loss / len(self.dataset),
            train_accuracy=outcome.correct / len(self.dataset),
            test_accuracy=tested,
            firing_rates={k: v / len(self.dataset) for k, v in outcome.firing_rates.items()},
            seconds=perf_counter() - start,
        )
        self.metrics = (*self.metrics, line)
        self.info = msgspec.structs.replace(
            self.info,
            epochs_done=epoch + 1,
            status="done" if epoch + 1 == self.info.epochs else "running",
            last_test_accuracy=tested,
            best_test_accuracy=max(
                (m.test_accuracy for m in self.metrics if m.test_accuracy is not None), default=None
            ),
        )
        self.commit()
        self.watch.epoch(line)

    def _learn(self, epoch: int, rate: float) -> Outcome:
        """One pass over the data; sums over samples."""
        total = Outcome()
        batches = -(-len(self.dataset) // self.info.config.batch_size)
        for done, batch in enumerate(self._batches(epoch), start=1):
            outcome = self.learner.learn(batch, lambda g: self.optimizer.update(self.parameters, g, rate))
            self._check_finite(outcome.loss, epoch, done, rate)
            _add(total, outcome, len(batch.labels))
            self.watch.batch(epoch + 1, done, batches)
        return total

    def _batches(self, epoch: int) -> Iterator[Batch]:
        """The samples in an order drawn from (seed, epoch), and changed as the configuration says."""
        order = np.random.default_rng((self.info.seed, epoch)).permutation(len(self.dataset))
        labels, size = self.dataset.labels(), self.info.config.batch_size
        changes = self.info.config.augment
        (drawn,) = np.random.SeedSequence((self.info.seed, epoch, 1)).generate_state(1, np.uint64)
        draw = torch.Generator().manual_seed(int(drawn >> 1))
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            x = torch.from_numpy(self.dataset.x[chosen])
            if changes:
                x = changed(x, changes, self.dataset.shape, draw)
            if self.dataset.time_axis:
                x = x.transpose(0, 1)
            yield Batch(x, torch.from_numpy(labels[chosen]), self.info.steps, self.dataset.time_axis)

    def _check_finite(self, loss: float, epoch: int, batch: int, rate: float) -> None:
        """Stop where the loss or a weight is no longer finite, naming the first such layer."""
        sums = {name: float(w.sum()) for name, w in self.parameters.items()}
        if isfinite(loss) and all(map(isfinite, sums.values())):
            return
        broken = [name for name, total in sums.items() if not isfinite(total)]
        largest = max(self.parameters, key=lambda name: float(self.parameters[name].abs().max()))
        layer, _, kind = (broken[0] if broken else largest).rpartition(".")
        state = "not finite" if broken else f"up to {float(self.parameters[largest].abs().max()):.2g}"
        raise GateError(
            f"training diverged in epoch {epoch + 1}, batch {batch}: loss {loss}, {kind} of layer {layer!r} is "
            f"{state}. The weights of epoch {epoch} are kept. Try --learning-rate {rate / 10:g}"
        )


def _add(total: Outcome, outcome: Outcome, samples: int) -> None:
    total.loss += outcome.loss * samples
    total.correct += outcome.correct
    for name, rate in outcome.firing_rates.items():
        total.firing_rates[name] = total.firing_rates.get(name, 0.0) + rate * samples
