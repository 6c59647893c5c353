"""Ctrl-C that waits for the end of a batch."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from time import monotonic
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_AT_ONCE = 1.0
"""Seconds in which signals count as one: a terminal and torchrun may both send theirs."""


class Interrupt:
    """While entered, the first SIGINT or SIGTERM is noted in `asked` and nothing is cut short.

    `tell` is called then. A later one raises KeyboardInterrupt at once. Outside of the main thread nothing changes.
    """

    def __init__(self, tell: Callable[[], None]) -> None:
        self.asked, self._tell, self._since = False, tell, 0.0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            self._before = {kind: signal.signal(kind, self._note) for kind in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for signum, handler in self._before.items():
            signal.signal(signum, handler)

    def _note(self, signum: int, frame: FrameType | None) -> None:
        if not self.asked:
            self.asked, self._since = True, monotonic()
            self._tell()
        elif monotonic() - self._since > _AT_ONCE:
            raise KeyboardInterrupt
