"""Where the command line writes: data on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TextIO

from neurodeploy.command_line import command_line

SCHEMA_VERSION = 1


def discard(stream: TextIO) -> None:
    """Let everything that is written to `stream` from now on, and what waits in it, go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def open_closed_streams() -> None:
    """Give the program a stdout and a stderr that go nowhere where its caller closed them (`>&-`)."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))


@dataclass
class Console:
    """One run's output. `verbosity`: -1 quiet, 0 normal, 1 and more: details."""

    as_json: bool = False
    verbosity: int = 0
    _drawn: float = field(default=0.0, init=False)

    def say(self, text: str) -> None:
        """A message for the person, on stderr; silent with -q."""
        if self.verbosity >= 0:
            self._write(text)

    def detail(self, text: str) -> None:
        """A message that only -v shows."""
        if self.verbosity >= 1:
            self._write(text)

    def error(self, text: str) -> None:
        """A message that nothing silences."""
        self._write(text)

    def next(self, *words: object) -> None:
        """Name the command that usually follows, by its words."""
        self.say(f"next: {command_line(*words)}")

    def progress(self, label: str, done: int, total: int, note: str = "") -> None:
        """A progress bar, on a terminal only, redrawn at most ten times a second."""
        if self.verbosity < 0 or not sys.stderr.isatty():
            return
        now = monotonic()
        if done < total and now - self._drawn < 0.1:
            return
        self._drawn = now
        filled = 24 * done // max(total, 1)
        end = "\n" if done >= total else ""
        bar = "#" * filled + "." * (24 - filled)
        self._write(f"\r\x1b[K{label} [{bar}] {done}/{total} {note}", end)

    def result(self, verb: str, text: str, data: Mapping[str, Any]) -> None:
        """The result of a verb on stdout: `text`, or with --json one object with a "schema" key."""
        if self.as_json:
            text = json.dumps({"schema": f"neurodeploy.{verb}/{SCHEMA_VERSION}", **data}, allow_nan=False)
        print(text, flush=True)  # noqa: T201

    def _write(self, text: str, end: str = "\n") -> None:
        """On stderr; where nobody reads it any more, the work still goes on."""
        try:
            print(text, end=end, file=sys.stderr, flush=True)  # noqa: T201
        except OSError:
            discard(sys.stderr)
