"""What a run that learned has left on its boards."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurodeploy.backend import IntArray, Learned, Result
from neurodeploy.semantics import ThreeFactorRule
from neurodeploy.semantics.learning import LearningState
from neurodeploy.targets.lava.job import Job
from neurodeploy.targets.lava.results import read_changed, read_weights


@dataclass(frozen=True, slots=True)
class Lesson:
    """A run that is done: its folder, and what the network showed while it learned by `rule`."""

    folder: Path
    job: Job
    rule: ThreeFactorRule
    result: Result
    seconds: float

    def learned(self, samples: int, row: int) -> Learned:
        """What was learned from the first `samples` samples, which the boards hold in `row`."""
        names = self.rule.synapses
        state = LearningState(
            {name: read_weights(self.folder, name, row) for name in names},
            self._updates(samples),
            self._spikes(samples),
        )
        changed = sum(read_changed(self.folder, name, row) for name in names)
        return Learned(state, self.result.prediction[:samples], changed, self.seconds)

    def _updates(self, samples: int) -> int:
        steps, start = self.job.steps, self.job.start
        each = sum(self.rule.updates_at(t, steps) for t in range(steps))
        return samples * each + (0 if start is None else start.updates)

    def _spikes(self, samples: int) -> dict[str, IntArray]:
        """How often each neuron fired in the last of the samples; traced with homeostasis alone."""
        return {
            name: np.asarray(trace.spikes[:, samples - 1].sum(axis=0))
            for name, trace in self.result.traces.items()
        }
