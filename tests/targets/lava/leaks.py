"""Many runs, some of them interrupted: are processes and shared memory afterwards what they were before?

    python -m tests.targets.lava.leaks [--runs 20] [--interrupted 5]

Interrupted runs belong to programs of their own, which get SIGINT and SIGKILL in turn. Ends with status 1 if anything
is left.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic, sleep

from tests.targets.lava.remains import SHARED, Remains
from tests.targets.lava.test_failures import LAVA, PROGRAM, network_and_stimulus

ROOT = Path(__file__).parents[3]


def interrupted(home: Path, number: int) -> Remains:
    """A program that runs Lava and is ended by a signal while it does."""
    remains = Remains(home)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(home)}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    ) as program:
        remains.wait_for_run(60)
        program.send_signal(number)
        program.wait(30)
    return remains


def left(home: Path, seen: list[Remains]) -> tuple[list[int], list[str]]:
    """Living processes of all runs, and their shared memory."""
    processes = sorted({pid for remains in [Remains(home), *seen] for pid in _alive(remains)})
    segments = {name for remains in seen for name in remains.segments if (SHARED / name).exists()}
    return processes, sorted(segments)


def _alive(remains: Remains) -> list[int]:
    remains.look()
    return remains.processes()


def main() -> None:
    """Run, interrupt, count."""
    parser = argparse.ArgumentParser(description="Processes and shared memory after many runs.")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--interrupted", type=int, default=5)
    args = parser.parse_args()
    network, stimulus = network_and_stimulus(20)
    with tempfile.TemporaryDirectory() as name:
        tempfile.tempdir = name
        seen = []
        for i in range(args.runs):
            if i < args.interrupted:
                seen.append(interrupted(Path(name), (signal.SIGINT, signal.SIGKILL)[i % 2]))
            else:
                LAVA.run(network, stimulus)
        started = sum(len(remains.segments) for remains in seen)
        end = monotonic() + 10
        while any(found := left(Path(name), seen)) and monotonic() < end:
            sleep(0.1)
        tempfile.tempdir = None
    sys.stdout.write(
        f"{args.runs} runs, {args.interrupted} interrupted ({started} segments of shared memory seen in those): "
        f"{len(found[0])} processes and {len(found[1])} segments left\n"
    )
    sys.exit(any(found))


if __name__ == "__main__":
    main()
