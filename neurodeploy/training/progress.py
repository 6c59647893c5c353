"""How far a run has come, for those who watch it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from neurodeploy.training.run_folder import EpochMetrics
from neurodeploy.training.totals import Totals


@dataclass(frozen=True, slots=True)
class Progress:
    """After `done` of `batches` batches of an epoch (counted from 1): what the epoch has shown so far.

    `seconds_left` is an estimate for the whole run, tests included as far as some have been done.
    """

    epoch: int
    done: int
    batches: int
    loss: float
    accuracy: float
    spikes: float
    seconds_left: float


@dataclass(frozen=True, slots=True)
class Watch:
    """Called while training: after each batch, after each epoch, and where Ctrl-C waits for a batch to end."""

    batch: Callable[[Progress], None] = lambda progress: None
    epoch: Callable[[EpochMetrics], None] = lambda metrics: None
    stopping: Callable[[], None] = lambda: None


class Pace:
    """Estimates the time left from the batches done since it was made."""

    def __init__(self, batches: int, epochs: int, epoch: int, done: int) -> None:
        self._start, self._first = perf_counter(), epoch * batches + done
        self._batches, self._all = batches, epochs * batches

    def progress(self, epoch: int, done: int, totals: Totals) -> Progress:
        """After `done` batches of `epoch` (0-based)."""
        position = epoch * self._batches + done
        each = (perf_counter() - self._start) / max(position - self._first, 1)
        return Progress(
            epoch=epoch + 1,
            done=done,
            batches=self._batches,
            loss=totals.mean(totals.loss),
            accuracy=totals.mean(totals.correct),
            spikes=totals.mean(totals.spikes),
            seconds_left=each * (self._all - position),
        )
