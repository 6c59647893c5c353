"""Lava as a back end."""

from __future__ import annotations

import numpy as np

from neurodeploy.backend import Backend, IntArray, Learned, LearningBackend, Progress, Result, no_progress
from neurodeploy.errors import BackendMissing
from neurodeploy.learning.layer import learning_layer, require_labels
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import ThreeFactorRule
from neurodeploy.targets.lava import compat, results
from neurodeploy.targets.lava.job import Job
from neurodeploy.targets.lava.launch import Finished, finished
from neurodeploy.targets.lava.legalise import legalise

BATCH = 32
"""Samples side by side in a batched run."""


class Lava:
    """Runs a network as Lava processes, every sample streamed through one run in a process of its own.

    `patience` is the longest time in seconds that one time step, or the start, may take; a whole run may take
    this long for each of its steps. Errors: `BackendMissing` where Lava is not installed, `FitError` where
    the network exceeds a limit of Lava's integers, `UnsupportedError` for graphs that Lava would compute
    differently, `BackendFailed` with the traceback of the process that failed.
    """

    def __init__(self, patience: float = 60.0, batch: int = 1) -> None:
        self.patience, self._batch = patience, batch
        self.name = "lava" if batch == 1 else "lava-batched"
        side_by_side = "" if batch == 1 else f", {batch} samples side by side (faster; no learning)"
        self.summary = f"Lava processes in fixed point, Intel's simulation of Loihi{side_by_side}"

    def missing(self) -> str | None:
        """What is missing, if anything; never imports Lava."""
        return compat.missing()

    def run(
        self, network: Network, stimulus: Stimulus, *, trace: bool = False, progress: Progress = no_progress
    ) -> Result:
        """See `neurodeploy.backend.Backend.run`."""
        self._require(network, stimulus)
        traced = tuple(network.neurons) if trace else ()
        job = Job(network, stimulus.steps, stimulus.samples, traced, batch=self._batch)
        with finished(job, stimulus, None, progress, self.patience) as done:
            return self._result(done)

    def learn(
        self,
        network: Network,
        rule: ThreeFactorRule,
        stimulus: Stimulus,
        labels: IntArray,
        *,
        snapshot_at: tuple[int, ...] = (),
        progress: Progress = no_progress,
    ) -> Learned:
        """See `neurodeploy.backend.LearningBackend.learn`."""
        learns = learning_layer(network).synapses
        require_labels(network, stimulus, labels)
        self._require(network, stimulus, learns)
        kept = tuple(sorted({int(n) for n in snapshot_at if 1 <= n <= stimulus.samples}))
        job = Job(network, stimulus.steps, stimulus.samples, rule=rule, snapshot_at=kept)
        with finished(job, stimulus, np.asarray(labels), progress, self.patience) as done:
            weight_q, snapshots = results.read_weights(done.folder, job)
            changed = results.read_count(done.folder, results.CHANGED)
            return Learned(weight_q, self._result(done).prediction, changed, done.seconds, snapshots)

    def _require(self, network: Network, stimulus: Stimulus, learns: str | None = None) -> None:
        if (problem := self.missing()) is not None:
            raise BackendMissing(f"the lava back end cannot run: {problem}")
        legalise(network, stimulus, learns)

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


LAVA: LearningBackend = Lava()
BATCHED: Backend = Lava(batch=BATCH)
