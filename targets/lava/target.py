"""Lava as a back end."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from neurodeploy.backend import (
    Backend,
    IntArray,
    Learned,
    LearningBackend,
    OnSnapshot,
    Progress,
    Result,
    no_progress,
    no_snapshot,
)
from neurodeploy.errors import BackendMissing
from neurodeploy.learning.labels import require_labels
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import ThreeFactorRule
from neurodeploy.semantics.learning import LearningState, error_paths, require_state
from neurodeploy.targets.lava import compat, results
from neurodeploy.targets.lava.job import Job
from neurodeploy.targets.lava.launch import Finished, finished
from neurodeploy.targets.lava.legalise import legalise
from neurodeploy.targets.lava.legalise_learning import legalise_learning
from neurodeploy.targets.lava.lesson import Lesson
from neurodeploy.targets.lava.results import joined
from neurodeploy.targets.lava.standard import one_by_one, require_standard

BATCH = 32
"""Samples side by side in a batched run."""


class Lava:
    """Runs a network as Lava processes, every sample streamed through one run in a process of its own.

    `batch` samples run side by side; `standard` takes Lava's own neurons and synapses alone, and a run for each
    sample where those could not part them. `patience` is the longest time in seconds that one time step, or the
    start, may take; a whole run may take this long for each of its steps. Errors: `BackendMissing` where Lava is not
    installed, `FitError` where the network exceeds a limit of Lava's integers, `UnsupportedError` for graphs that
    Lava would compute differently, `BackendFailed` with the traceback of the process that failed.
    """

    def __init__(
        self,
        name: str = "lava",
        summary: str = "Lava processes in fixed point, Intel's simulation of Loihi",
        *,
        batch: int = 1,
        standard: bool = False,
        patience: float = 60.0,
    ) -> None:
        self.name, self.summary, self.patience = name, summary, patience
        self._batch, self._standard = batch, standard

    def missing(self) -> str | None:
        """What is missing, if anything; never imports Lava."""
        return compat.missing()

    def run(
        self,
        network: Network,
        stimulus: Stimulus,
        *,
        trace: bool = False,
        current: bool = False,
        progress: Progress = no_progress,
    ) -> Result:
        """See `neurodeploy.backend.Backend.run`."""
        self._require(network, stimulus)
        traced = tuple(network.neurons) if trace else ()
        found: list[Result] = []
        for part in self._parts(network, stimulus):
            job = Job(
                network,
                stimulus.steps,
                part.samples,
                traced,
                batch=self._batch,
                standard=self._standard,
                current=current,
            )
            before = len(found) * part.samples
            with finished(
                job, part, None, _onward(progress, before, stimulus.samples), self.patience
            ) as done:
                found.append(self._result(done))
        return found[0] if len(found) == 1 else joined(found)

    def _parts(self, network: Network, stimulus: Stimulus) -> Iterator[Stimulus]:
        """What one run takes: all samples, or one where Lava's own processes cannot part them."""
        if not self._standard or not one_by_one(network):
            yield stimulus
            return
        for n in range(stimulus.samples):
            yield stimulus.select(slice(n, n + 1))

    def learn(
        self,
        network: Network,
        rule: ThreeFactorRule,
        stimulus: Stimulus,
        labels: IntArray,
        *,
        start: LearningState | None = None,
        snapshot_at: tuple[int, ...] = (),
        on_snapshot: OnSnapshot = no_snapshot,
        progress: Progress = no_progress,
    ) -> Learned:
        """See `neurodeploy.backend.LearningBackend.learn`; snapshots are told after the run."""
        paths = error_paths(network.graph, rule.synapses)
        require_labels(network, stimulus, labels)
        rule.require_steps(stimulus.steps)
        rule.require_neurons(paths.neurons)
        if start is not None:
            require_state(network.graph, network.registers, rule, start, stimulus.steps)
        self._require(network, stimulus, rule.synapses)
        legalise_learning(network, rule, stimulus.steps)
        kept = tuple(sorted({int(n) for n in snapshot_at if 1 <= n <= stimulus.samples}))
        counted = paths.neurons if rule.homeostasis is not None else ()
        job = Job(
            network, stimulus.steps, stimulus.samples, counted, rule=rule, start=start, snapshot_at=kept
        )
        with finished(job, stimulus, np.asarray(labels), progress, self.patience) as done:
            lesson = Lesson(done.folder, job, rule, self._result(done), done.seconds)
            for row, samples in enumerate(kept):
                on_snapshot(samples, lesson.learned(samples, row))
            return lesson.learned(stimulus.samples, -1)

    def _require(self, network: Network, stimulus: Stimulus, learns: Collection[str] = ()) -> None:
        if (problem := self.missing()) is not None:
            raise BackendMissing(f"the lava back end cannot run: {problem}")
        legalise(network, stimulus, learns)
        if self._standard:
            require_standard(network)

    def _result(self, done: Finished) -> Result:
        folder, job, network = done.folder, done.job, done.job.network
        shown = results.read_output(folder, job)
        return Result(
            self.name,
            np.zeros_like(shown) if network.is_readout else shown,
            shown if network.is_readout else None,
            done.seconds,
            results.read_traces(folder, job),
            results.read_overflows(folder, job),
        )


def _onward(progress: Progress, before: int, samples: int) -> Progress:
    """The progress of a part, behind `before` samples."""
    return lambda done, total: progress(before + done, samples)


LAVA: LearningBackend = Lava()
BATCHED: Backend = Lava(
    "lava-batched", f"{LAVA.summary}, {BATCH} samples side by side (faster; no learning)", batch=BATCH
)
STANDARD: Backend = Lava(
    "lava-standard", f"{LAVA.summary}: its own LIF and synapses alone (no learning)", standard=True
)
