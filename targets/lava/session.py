"""A Lava run that cannot hang and leaves nothing behind.

Lava's own `run` blocks for ever when a process model raises, dead-locks or is killed, its `stop` blocks after
most errors, and interpreters with a live network do not exit. So the session starts the run without blocking,
watches every process, and always ends by killing the processes and removing the shared memory: results are on
boards, which survive their writers, so a good run needs no other end than a broken one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from time import monotonic, sleep
from types import TracebackType
from typing import Any

from neurodeploy.errors import BackendFailed
from neurodeploy.targets.lava.emit import Emitted

CHANNEL_SIZE = 2
"""Messages that a channel holds. Lava's 64 takes 32 times the shared memory and is no faster."""

_LAST_WORDS = 1.0
"""Seconds to wait for the traceback of a process that failed."""


class Session:
    """Compiles and runs the network that `build` makes; a context manager.

    `build` runs inside the session, so that what it leaves behind when it fails is cleaned up too.
    `before_close` is called first when the session ends: the place to switch off whatever could interrupt the
    clean-up. A program may have one session at a time.
    """

    def __init__(self, build: Callable[[], Emitted], before_close: Callable[[], None]) -> None:
        self._build, self._before_close = build, before_close
        self._root: Any = None
        self._time_steps = 0
        self._handlers: list[logging.Handler] = []

    def __enter__(self) -> Session:
        from lava.magma.core.run_configs import Loihi2SimCfg

        self._handlers = list(logging.getLogger().handlers)
        try:
            emitted = self._build()
            self._root, self._time_steps = emitted.process, emitted.time_steps
            # Without the tag Lava silently selects floating-point models.
            configuration = Loihi2SimCfg(select_tag="fixed_pt")
            self._root.create_runtime(configuration, None, {"pypy_channel_size": CHANNEL_SIZE})
        except BaseException:
            self.close()
            raise
        return self

    def run(self) -> None:
        """Run all time steps and wait; `BackendFailed` with the traceback of the process that failed."""
        from lava.magma.core.run_conditions import RunSteps
        from lava.magma.runtime.mgmt_token_enums import MGMT_RESPONSE, enum_equal

        runtime, nap = self._root.runtime, 1e-4
        runtime.start(RunSteps(self._time_steps, blocking=False))
        while not all(port.probe() for port in runtime.service_to_runtime):
            if not all(actor.is_alive() for _, actor in self._actors()):
                raise self._failure()
            sleep(nap)
            nap = min(nap * 1.5, 5e-3)
        if not all(enum_equal(port.recv(), MGMT_RESPONSE.DONE) for port in runtime.service_to_runtime):
            raise self._failure()

    def close(self) -> None:
        """Kill every process, remove the shared memory and the log handlers that Lava added; never blocks."""
        self._before_close()
        logging.getLogger().handlers[:] = self._handlers
        runtime = self._root.runtime if self._root is not None else None
        if runtime is None:
            return
        # Lava's destructors would otherwise send a stop command and wait for an answer.
        runtime._is_running = runtime._is_started = False
        infrastructure = runtime._messaging_infrastructure
        if infrastructure is None:
            return
        for _, actor in self._actors():
            _kill(actor)
        infrastructure._actors = []
        _remove(infrastructure._smm)

    def _actors(self) -> Iterator[tuple[str, Any]]:
        """Names and operating-system processes: one a Lava process, then Lava's own services."""
        runtime = self._root.runtime
        names = [process.name for process in runtime._executable.proc_builders]
        for i, actor in enumerate(runtime._messaging_infrastructure.actors):
            yield names[i] if i < len(names) else "runtime service", actor

    def _failure(self) -> BackendFailed:
        deadline = monotonic() + _LAST_WORDS
        while not (reports := [text for name, actor in self._actors() if (text := _obituary(name, actor))]):
            if monotonic() > deadline:
                return BackendFailed("Lava ended the run without saying why")
            sleep(0.02)
        return BackendFailed("\n".join(reports))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _obituary(name: str, actor: Any) -> str | None:
    """Why an operating-system process ended early, None if it did not."""
    if actor.exception:
        return f"the Lava process '{name}' failed:\n{actor.exception[1]}"
    if not actor.is_alive() and actor.exitcode:
        how = "was killed by signal" if actor.exitcode < 0 else "ended with status"
        return f"the Lava process '{name}' {how} {abs(actor.exitcode)}"
    return None


def _kill(actor: Any) -> None:
    # ValueError: it was joined before, by Lava.
    with suppress(ValueError):
        actor.kill()
    with suppress(ValueError, OSError, EOFError):
        actor.join()


def _remove(shared: Any) -> None:
    if shared is None:
        return
    # A port of the runtime still maps its segment, so closing it can fail; the manager removes the names.
    manager = shared._manager
    with suppress(BufferError):
        shared.shutdown()
    if shared._manager is not None:
        manager.shutdown()
        shared._manager = None
