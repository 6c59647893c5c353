"""Many mutations of one reader's files; each run is told by its number, so that it can be had again."""

from __future__ import annotations

import json
import mmap
import os
import resource
import signal
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import monotonic

from tests.fuzz.readers import READERS, Reader
from tests.fuzz.seeds import Case
from tests.fuzz.watch import Fault, fault, limited, write

MEMORY_DISK = Path("/dev/shm")


@dataclass(slots=True)
class Found:
    """Faults by their place: the first run that showed each, and how many did."""

    runs: int = 0
    peak: int = 0
    faults: dict[str, tuple[int, Fault]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, run: int, found: Fault) -> bool:
        """True for the first of its kind."""
        self.counts[found.place] = self.counts.get(found.place, 0) + 1
        new = found.place not in self.faults
        self.faults.setdefault(found.place, (run, found))
        return new


def case(name: str, reader: Reader, seeds: list[Case], seed: int, run: int) -> Case:
    """The files of one run."""
    draw = Random(f"{name} {seed} {run}")
    return reader.mutate(draw.choice(seeds), draw)


def attempt(reader: Reader, files: Case) -> Fault | None:
    """Read the files of a case within the limits."""
    place = MEMORY_DISK if MEMORY_DISK.is_dir() else None
    with TemporaryDirectory(dir=place, prefix="fuzz ü ") as folder:
        write(Path(folder), files)
        with limited():
            return fault(reader, Path(folder))


def campaign(
    name: str, runs: int, seed: int = 0, first: int = 0, tell: Callable[[str], None] = print
) -> Found:
    """Runs `first` to `first + runs` of a reader, in processes of their own: a crash or a hang ends only one."""
    reader, found = READERS[name], Found()
    seeds, start = reader.seeds(), monotonic()

    def one(number: int) -> Fault | None:
        with limited():
            files = case(name, reader, seeds, seed, number)
        return attempt(reader, files)

    at = mmap.mmap(-1, 8)
    run = first
    while run < first + runs:
        run = _in_child(found, at, run, tell, one, first + runs)
        found.runs = run - first
    tell(
        f"{name}: {found.runs} runs in {monotonic() - start:.0f} s, peak {found.peak >> 20} MiB, "
        f"{len(found.faults)} kinds of faults {found.counts}"
    )
    return found


def _in_child(
    found: Found,
    at: mmap.mmap,
    run: int,
    tell: Callable[[str], None],
    attempt_run: Callable[[int], Fault | None],
    end: int,
) -> int:
    """Go on from `run` in a child; the run to go on with."""
    read, sent = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _work(at, run, end, attempt_run, sent)
    os.close(sent)
    with os.fdopen(read) as lines:
        for line in lines:
            number, place, text = json.loads(line)
            if found.add(number, Fault(place, text)):
                tell(f"run {number}: {place}\n{text}")
    _, status, used = os.wait4(child, 0)
    found.peak = max(found.peak, used.ru_maxrss << 10)
    (last,) = struct.unpack("q", at[:8])
    if status == 0:
        return end
    what = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else f"exit {status >> 8}"
    if found.add(last, Fault(what, f"the process ended by {what}")):
        tell(f"run {last}: {what}")
    return last + 1


def _work(at: mmap.mmap, run: int, end: int, attempt_run: Callable[[int], Fault | None], sent: int) -> None:
    """In the child: every run, the number of each kept in shared memory, faults sent; never returns."""
    code = 1
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with os.fdopen(sent, "w") as lines:
            for number in range(run, end):
                at[:8] = struct.pack("q", number)
                if (result := attempt_run(number)) is not None:
                    lines.write(json.dumps([number, result.place, result.text[-4000:]]) + "\n")
                    lines.flush()
        code = 0
    finally:
        os._exit(code)
