"""A run in progress: a network, its optimizer, and what has been reached and kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from time import perf_counter

import msgspec

from neurodeploy.data import Dataset
from neurodeploy.errors import UsageError
from neurodeploy.models import build
from neurodeploy.training import run_folder
from neurodeploy.training.batches import Batches
from neurodeploy.training.description import check_same
from neurodeploy.training.divergence import check_finite
from neurodeploy.training.evaluation import count_right
from neurodeploy.training.interrupt import Interrupt
from neurodeploy.training.optimizers import Optimizer, make_optimizer, restore, weights_alone
from neurodeploy.training.parallel import Peers
from neurodeploy.training.precision import LOW
from neurodeploy.training.progress import Pace, Watch
from neurodeploy.training.quantizable import quantizable_weights
from neurodeploy.training.quantized import StraightThrough
from neurodeploy.training.rule import Batch, Outcome
from neurodeploy.training.rules import find_rule
from neurodeploy.training.run_folder import OPTIMIZER, EpochMetrics, Interruption, RunInfo
from neurodeploy.training.totals import Totals, joint


class Run:
    """Trains epoch by epoch; the first of `peers` keeps what there is in `folder`."""

    def __init__(
        self,
        info: RunInfo,
        dataset: Dataset,
        test: Dataset | None,
        folder: Path | None,
        watch: Watch,
        peers: Peers,
        interrupt: Interrupt,
    ) -> None:
        self.module = build(info.model, info.seed, str(peers.device))
        self.info, self.test, self.folder, self.watch = info, test, folder, watch
        self.peers, self.interrupt = peers, interrupt
        self.batches = Batches(dataset, info, peers)
        self.pace = Pace(len(self.batches), info.epochs, 0, 0)
        self.metrics: tuple[EpochMetrics, ...] = ()
        self.parameters = {name: p.data for name, p in self.module.named_parameters()}
        config, chosen = info.config, find_rule(info.rule)
        self.rounded = quantizable_weights(self.module) if config.quantize else ()
        self.learner, self.examiner = (
            chosen.learner(self.module, config.preset, config.options) for _ in range(2)
        )
        if config.precision in LOW:
            self.learner.round_to(LOW[config.precision])
        decays = config.weight_decay
        self.optimizer: Optimizer = make_optimizer(
            config.optimizer,
            self.parameters,
            config.momentum,
            weights_alone(self.parameters, decays) if config.decayed == "weights" else decays,
        )

    def begin(self, first: run_folder.Tensors | None = None) -> None:
        """Begin a new run, with weights that the rule prepares or those of another run, and keep them."""
        if self.folder:
            run_folder.check_free(self.folder)
            self.peers.wait()
        if first is None:
            self.learner.prepare(self.batches.whole())
        else:
            self.module.load_state_dict(first)
        self._round_weights()
        self.commit()

    def commit(self) -> None:
        """Keep a whole epoch; every process waits for it."""
        self.info = msgspec.structs.replace(self.info, interrupted=None)
        if self.folder and self.peers.leads:
            self.info = run_folder.commit(
                self.folder, self.info, dict(self.module.state_dict()), self.optimizer.state, self.metrics
            )
        self.peers.wait()

    def restore(self) -> None:
        """Go back to the last state kept in `folder`, which must have the same settings."""
        if self.folder is None or not (self.folder / run_folder.INFO).is_file():
            raise UsageError(f"there is no run to resume in {self.folder}. Leave out --resume")
        if self.peers.leads:
            run_folder.settle(self.folder, run_folder.read_info(self.folder))
        self.peers.wait()
        module, saved = run_folder.load_run(self.folder)
        check_same(saved, self.info)
        self.metrics = run_folder.read_metrics(self.folder, saved)
        weights, state = module.state_dict(), run_folder.read_tensors(self.folder, saved, OPTIMIZER)
        if saved.interrupted:
            weights, state = run_folder.read_interrupted(self.folder, saved)
        self._round_weights()
        restore(self.optimizer, state)
        self.module.load_state_dict(weights)
        self.info = msgspec.structs.replace(saved, device=self.info.device, processes=self.info.processes)

    def _round_weights(self) -> None:
        """Put all weights on their grids and keep them there, where `config.quantize` asks for it."""
        if bits := self.info.config.quantize:
            self.optimizer = StraightThrough(self.optimizer, self.parameters, self.rounded, bits)

    def go_on(self) -> None:
        """Run all epochs that are left."""
        found = self.info.interrupted
        done = found.batches if found else 0
        self.pace = Pace(len(self.batches), self.info.epochs, self.info.epochs_done, done)
        while self.info.epochs_done < self.info.epochs:
            self.epoch()

    def epoch(self) -> None:
        """Learn from every sample once, or from those that an interruption left; evaluate; commit."""
        before = self.info.interrupted or Interruption(batches=0, seconds=0.0, totals=Totals())
        start = perf_counter() - before.seconds
        totals = self._learn(before, start)
        tested = self._test()
        self.metrics = (*self.metrics, self._line(totals, tested, perf_counter() - start))
        epochs_done = self.info.epochs_done + 1
        self.info = msgspec.structs.replace(
            self.info,
            epochs_done=epochs_done,
            status="done" if epochs_done == self.info.epochs else "running",
            last_test_accuracy=tested,
            best_test_accuracy=max(
                (m.test_accuracy for m in self.metrics if m.test_accuracy is not None), default=None
            ),
        )
        self.commit()
        self.watch.epoch(self.metrics[-1])

    def _learn(self, before: Interruption, start: float) -> Totals:
        """One pass over the data, from where `before` ended."""
        epoch, totals = self.info.epochs_done, before.totals
        rate = self.info.config.rate(epoch, self.info.epochs)
        shares = self.batches.shares(epoch, before.batches)
        for done, (batch, counted) in enumerate(shares, start=before.batches + 1):
            outcome, samples, stop = self._step(batch, counted, rate)
            where, kept = f"epoch {epoch + 1}, batch {done}", f"The weights of epoch {epoch} are kept"
            check_finite(self.parameters, outcome.loss, where, kept, rate)
            totals = totals.plus(outcome, samples)
            self.watch.batch(self.pace.progress(epoch, done, totals))
            if stop:
                self._stop(Interruption(batches=done, seconds=perf_counter() - start, totals=totals), where)
        return totals

    def _step(self, batch: Batch, counted: int, rate: float) -> tuple[Outcome, int, bool]:
        """Learn from a batch; what all processes have seen, in how many samples, and whether to stop."""
        outcome = self.learner.learn(
            batch, lambda found: self.optimizer.update(self.parameters, batch.add(found), rate)
        )
        return joint(outcome, counted, self.interrupt.asked, self.peers)

    def _stop(self, found: Interruption, where: str) -> None:
        """Keep what there is of an epoch, and end."""
        if self.folder and self.peers.leads:
            state = dict(self.module.state_dict())
            run_folder.commit_interrupted(self.folder, self.info, state, self.optimizer.state, found)
        self.peers.wait()
        raise KeyboardInterrupt(f"stopped after {where} of {len(self.batches)}")

    def _test(self) -> float | None:
        """Accuracy on the test data, of which every process takes its share; None without any."""
        if self.test is None:
            return None
        own = slice(self.peers.rank, None, self.peers.size)
        part = replace(self.test, x=self.test.x[own], y=self.test.labels()[own])
        right = count_right(self.module, part, self.info.steps, self.examiner) if len(part) else 0
        return self.peers.add_numbers([right])[0] / len(self.test)

    def _line(self, totals: Totals, tested: float | None, seconds: float) -> EpochMetrics:
        epoch = self.info.epochs_done
        return EpochMetrics(
            epoch=epoch + 1,
            learning_rate=self.info.config.rate(epoch, self.info.epochs),
            loss=totals.mean(totals.loss),
            train_accuracy=totals.mean(totals.correct),
            test_accuracy=tested,
            firing_rates={name: totals.mean(rate) for name, rate in totals.firing_rates.items()},
            spikes_per_neuron=totals.mean(totals.spikes),
            seconds=seconds,
        )
