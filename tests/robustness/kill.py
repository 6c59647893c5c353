"""`python -m tests.robustness.kill VERB|all [--kills N] [--seed S]`: kill -9 at random moments of a verb.

Every other kill comes at a random time, the others just before a random one of the verb's operations on its files
(open, rename, remove, make a folder), where most of what can go wrong would go wrong. After each kill what is there
must be whole, and the work is finished and must give what it gives without a kill, with no temporary file left.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any

from neurodeploy.cli.main import main as command_line
from tests.robustness.jobs import JOBS, Job, fresh

OPERATIONS = ("open", "os.rename", "os.remove", "os.mkdir")


@dataclass(slots=True)
class Report:
    """Kills that hit, those that came after the end, temporary files left over, and what was lost."""

    hit: int = 0
    late: int = 0
    left: int = 0
    losses: list[str] = field(default_factory=list)


class Operations:
    """Counts the operations on files under `folder`; kills the process before number `last`."""

    def __init__(self, folder: Path, last: int | None) -> None:
        self.folder, self.last, self.count = str(folder), last, 0
        sys.addaudithook(self._audit)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in OPERATIONS and str(arguments[0]).startswith(self.folder):
            if self.count == self.last:
                os.kill(os.getpid(), signal.SIGKILL)
            self.count += 1


def start(arguments: list[str], folder: Path, last: int | None = None) -> int:
    """The verb in a child, which sends the number of its operations by its exit status file; the child's id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        operations = Operations(folder, last)
        with Path(os.devnull).open("w") as silence:
            os.dup2(silence.fileno(), 1)
        code = command_line(arguments)
        folder.with_suffix(".count").write_text(str(operations.count))
    finally:
        os._exit(code)


def finish(arguments: list[str], folder: Path) -> tuple[float, int]:
    """Run the verb to its end; seconds, and operations on files."""
    begin = monotonic()
    _, status = os.waitpid(start(arguments, folder), 0)
    if status:
        raise RuntimeError(f"{arguments[0]} ended with {os.waitstatus_to_exitcode(status)} in {folder}")
    return monotonic() - begin, int(folder.with_suffix(".count").read_text())


def kill_once(job: Job, folder: Path, after: float | None, last: int | None) -> bool:
    """Start the verb anew and kill it; False where it had ended before."""
    fresh(job, folder)
    child = start(job.command(folder), folder, last)
    if after is not None:
        sleep(after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def loss(job: Job, folder: Path, expected: object) -> str | None:
    """What is wrong with what a kill left, or with the work that went on from there."""
    try:
        if wrong := job.whole(folder):
            return wrong
        finish(job.again(folder), folder)
        if left := [path.name for path in folder.rglob("*.tmp")]:
            return f"finished, but left {', '.join(left)}"
        return None if job.result(folder) == expected else "finished with another result"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def kills(verb: str, number: int, seed: int, place: Path) -> Report:
    """Kill a verb so many times."""
    job, folder, draw, report = JOBS[verb], place / verb, Random(seed), Report()
    fresh(job, folder)
    seconds, operations = finish(job.command(folder), folder)
    expected = job.result(folder)
    for i in range(number):
        timed = i % 2 == 0
        after, last = (draw.uniform(0, seconds), None) if timed else (None, draw.randrange(operations))
        report.hit += (hit := kill_once(job, folder, after, last))
        report.late += not hit
        report.left += sum(1 for path in folder.rglob("*.tmp"))
        if found := loss(job, folder, expected):
            report.losses.append(f"kill {i} ({f'{after:.3f} s' if timed else f'operation {last}'}): {found}")
    return report


def main() -> int:
    """Kill and tell; 1 where anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.robustness.kill", description=__doc__)
    parser.add_argument("verb", choices=[*JOBS, "all"])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    lost = 0
    with TemporaryDirectory(prefix="kill ü ") as place:
        for verb in JOBS if args.verb == "all" else [args.verb]:
            report = kills(verb, args.kills, args.seed, Path(place))
            lost += len(report.losses)
            print(  # noqa: T201
                f"{verb}: {report.hit} kills hit, {report.late} came after the end; {report.left} temporary files "
                f"after kills; {len(report.losses)} losses",
                *report.losses,
                sep="\n  ",
                flush=True,
            )
    return min(lost, 1)


if __name__ == "__main__":
    sys.exit(main())
