"""Keeps a worker from outliving its parent, its time limit or a request to end."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import select
import signal
import sys
from collections.abc import Callable
from time import monotonic
from types import FrameType

PERIOD = 0.1
"""Seconds between two looks."""

CLEAN_UP_LIMIT = 10.0
"""Seconds that the clean-up may take; then the worker ends itself, its traceback on stderr."""

_PR_SET_PDEATHSIG = 1
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Stopped(BaseException):
    """The parent ended or wants the worker to end. Not an `Exception`, so that no library swallows it."""


class Stalled(BaseException):
    """No time step was completed within the time limit."""


class Guard:
    """Interrupts the main thread with `Stopped` or `Stalled`, also inside calls that would block for ever.

    A timer signal, not a thread: Lava forks, and a fork of a program with threads can dead-lock. `stdin` is
    the pipe from the parent, which carries nothing and closes when the parent does or dies; `parent` is the
    parent's process id, in case the pipe was inherited by another process that keeps it open. `done` counts
    completed time steps; when it does not change for `patience` seconds, the run has stalled.
    """

    def __init__(self, stdin: int, parent: int, patience: float, done: Callable[[], int]) -> None:
        self._stdin, self._parent, self._patience, self._done = stdin, parent, patience, done
        self._latest = (0, monotonic())

    def arm(self) -> None:
        """Begin to watch."""
        for number in _ENDING:
            signal.signal(number, self._asked)
        signal.signal(signal.SIGALRM, self._look)
        signal.setitimer(signal.ITIMER_REAL, PERIOD, PERIOD)

    def disarm(self) -> None:
        """Look no more, so that clean-up is not interrupted; one that takes too long ends the process."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)
        faulthandler.dump_traceback_later(CLEAN_UP_LIMIT, exit=True)

    @property
    def orphaned(self) -> bool:
        """True when the parent is gone."""
        return os.getppid() != self._parent

    def _look(self, number: int, frame: FrameType | None) -> None:
        if self.orphaned or select.select([self._stdin], [], [], 0)[0]:
            raise Stopped("the program that started this run has ended or closed it")
        done, now = self._done(), monotonic()
        if done != self._latest[0]:
            self._latest = (done, now)
        elif now - self._latest[1] > self._patience:
            raise Stalled

    def _asked(self, number: int, frame: FrameType | None) -> None:
        raise Stopped(f"signal {number}")


def bind_children() -> None:
    """Let every process that this one forks from now on die with it, whatever ends it.

    Needs Linux; elsewhere it has no effect. The shared memory of a run is then removed by multiprocessing's
    resource tracker, which is executed, not forked.
    """
    parent = os.getpid()
    library = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    def bind() -> None:
        for number in _ENDING:
            signal.signal(number, signal.SIG_DFL)
        if library is not None:
            library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    os.register_at_fork(after_in_child=bind)
