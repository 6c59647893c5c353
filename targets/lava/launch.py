"""Starts the worker process of a run and makes sure that nothing of it is left, however the run ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from types import TracebackType

import neurodeploy
from neurodeploy.backend import IntArray, Progress
from neurodeploy.errors import BackendFailed
from neurodeploy.network import Stimulus
from neurodeploy.targets.lava import job as jobs
from neurodeploy.targets.lava.job import Job
from neurodeploy.targets.lava.results import PROGRESS, read_count

POLL = 0.05
"""Seconds between two looks at the progress."""

GRACE = 15.0
"""Seconds that a worker gets to clean up before it is killed."""

_MODULE = "neurodeploy.targets.lava.worker"
_LOG_TAIL = 2000


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that is done: the folder that holds its results, and the seconds that its time steps took."""

    folder: Path
    job: Job
    seconds: float


@contextmanager
def finished(
    job: Job, stimulus: Stimulus, labels: IntArray | None, progress: Progress, patience: float
) -> Iterator[Finished]:
    """Run a job in a worker process and yield its results; their folder is removed afterwards.

    Raises `BackendFailed` when the run breaks or completes no time step in `patience` seconds.
    """
    with tempfile.TemporaryDirectory(prefix="neurodeploy-lava-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        jobs.write(folder, job, stimulus, labels)
        with Worker(folder, patience) as worker:
            seconds = worker.wait(job, progress)
        yield Finished(folder, job, seconds)


class Worker:
    """The worker process of one job; a context manager at whose end the process is gone."""

    def __init__(self, folder: Path, patience: float) -> None:
        self._folder, self._patience = folder, patience

    def __enter__(self) -> Worker:
        command = [sys.executable, "-m", _MODULE, str(self._folder), str(os.getpid()), str(self._patience)]
        with (self._folder / jobs.LOG).open("wb") as log:
            # A session of its own: Ctrl-C in a terminal reaches this process alone, which ends the worker.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env=_environment(),
                start_new_session=True,
            )
        return self

    def wait(self, job: Job, progress: Progress) -> float:
        """Wait for the end and report completed samples; the run's seconds, `BackendFailed` if it broke."""
        latest, moved, reported = -1, monotonic(), -1
        while not self._ended():
            done = read_count(self._folder, PROGRESS)
            if done != latest:
                latest, moved = done, monotonic()
            elif monotonic() - moved > self._limit:
                raise BackendFailed(f"Lava's worker process has not answered for {self._limit:g} s")
            samples = min(done // job.steps * job.batch, job.samples)
            if samples != reported:
                progress(samples, job.samples)
                reported = samples
        seconds = self._seconds()
        if reported != job.samples:
            progress(job.samples, job.samples)
        return seconds

    @property
    def _limit(self) -> float:
        # The worker itself gives up after its patience; this only catches a worker that hangs.
        return self._patience + 2 * GRACE

    def _ended(self) -> bool:
        try:
            self._process.wait(POLL)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _seconds(self) -> float:
        outcome = jobs.read_outcome(self._folder)
        if outcome is None:
            log = (self._folder / jobs.LOG).read_text(encoding="utf-8", errors="replace")[-_LOG_TAIL:]
            status, said = self._process.returncode, log.strip() or "(nothing)"
            raise BackendFailed(f"Lava's worker process ended with status {status} and said:\n{said}")
        if "error" in outcome:
            raise BackendFailed(f"the Lava run failed: {outcome['error']}")
        return float(outcome["seconds"])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing its standard input asks the worker to end; it notices within a tenth of a second.
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.returncode != 0:
            # It was killed. Children that could not be bound to it (see `guard`) may be left; the resource
            # tracker ignores SIGTERM, and removes the shared memory when all others are gone.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGTERM)


def _environment() -> dict[str, str]:
    """The environment, with this package's place on the module path also where it is not installed."""
    home = str(Path(neurodeploy.__file__).absolute().parent.parent)
    inherited = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": f"{home}{os.pathsep}{inherited}" if inherited else home}
