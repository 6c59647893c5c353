"""Finds the processes and the shared memory of a Lava run, by the folder in which its job folder lies."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

SHARED = Path("/dev/shm")


@dataclass
class Remains:
    """Processes and shared memory of all runs whose job folders lie in `home`, as far as they were seen."""

    home: Path
    sessions: set[int] = field(default_factory=set)
    segments: set[str] = field(default_factory=set)

    def look(self) -> None:
        """Remember the sessions and segments of the runs that are going on."""
        for pid in _pids():
            if str(self.home).encode() in _read(pid, "cmdline") and _is_worker(pid):
                self.sessions.add(_session(pid))
                self.segments |= set(re.findall(r"/dev/shm/(psm_\w+)", _read(pid, "maps").decode()))

    def processes(self) -> list[int]:
        """Living processes of the sessions seen, workers first (by process id)."""
        return sorted(pid for pid in _pids() if _session(pid) in self.sessions)

    def children(self, worker: int) -> list[int]:
        """Living processes that the worker forked, oldest first."""
        return [pid for pid in self.processes() if _stat(pid)[1:2] == [str(worker)] and _is_worker(pid)]

    def wait_for_run(self, seconds: float = 20) -> None:
        """Wait until a run maps shared memory."""
        deadline = monotonic() + seconds
        while not self.segments:
            assert monotonic() < deadline, f"no run was seen in {self.home} for {seconds} s"
            sleep(0.02)
            self.look()

    def assert_nothing(self, seconds: float = 10) -> None:
        """Require that everything seen is gone, job folders included, after at most `seconds`."""
        assert self.sessions and self.segments, "no run was seen"
        deadline = monotonic() + seconds
        while (left := self._left()) and monotonic() < deadline:
            sleep(0.05)
        assert left == []

    def _left(self) -> list[str]:
        segments = [name for name in self.segments if (SHARED / name).exists()]
        folders = [path.name for path in self.home.glob("neurodeploy-lava-*")]
        return [*map(str, self.processes()), *segments, *folders]


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _read(pid: int, what: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{what}").read_bytes()
    except OSError:
        return b""


def _is_worker(pid: int) -> bool:
    """Also true for what a worker forked, not for what it executed (the resource tracker)."""
    return b"lava.worker" in _read(pid, "cmdline")


def _stat(pid: int) -> list[str]:
    """State, parent, group, session ...; empty for a process that is gone or a zombie."""
    fields = _read(pid, "stat").decode(errors="replace").rpartition(")")[2].split()
    return [] if fields[:1] == ["Z"] else fields


def _session(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[3]) if fields else -1
