"""Lava's own unit tests, from its installed wheel, under the layer that makes it run on this Python.

    python -m tests.targets.lava.own_tests [--limit SECONDS] [FOLDER ...]

FOLDER is one of the wheel's, as tests/lava/proc (default: that and tests/lava/magma). Each file runs in a process of
its own, which is ended with all its children after SECONDS (default 120): what fails in Lava often hangs. One line a
file that is not all passed, then the sums. A check by hand, not a part of the suite.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import distribution
from pathlib import Path

FOLDERS = ("tests/lava/proc", "tests/lava/magma")
OUTCOMES = ("passed", "failed", "error", "skipped")
PROGRAM = """
import sys
from neurodeploy.targets.lava import compat
compat.prepare()
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


def files(folder: str) -> Iterator[Path]:
    """The test files of a folder of the wheel, in order."""
    wheel = distribution("lava-nc")
    found = [
        Path(str(wheel.locate_file(f))) for f in wheel.files or () if f.as_posix().startswith(f"{folder}/")
    ]
    yield from sorted(path for path in found if path.name.startswith("test_") and path.suffix == ".py")


def run(path: Path, limit: float) -> tuple[Counter[str], str]:
    """Outcomes of the tests of a file, and what was said."""
    site = path.parents[len(path.parts) - 1 - path.parts.index("tests")].parent
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as log:
        options = ["-v", "-p", "no:cacheprovider", f"--rootdir={site}", "-o", "addopts=", str(path)]
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *options],
            stdout=log,
            stderr=log,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(site)},
            start_new_session=True,
        )
        hung = False
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired:
            hung = True
        # The resource tracker ignores SIGTERM, and removes the shared memory when all others are gone.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        process.kill()
        process.wait()
        log.seek(0)
        said = log.read()
    counts = Counter({kind: len(re.findall(rf" {kind.upper()}\b", said)) for kind in OUTCOMES})
    counts["hung"] = int(hung)
    return counts, said


def main() -> None:
    """Run them all."""
    parser = argparse.ArgumentParser(description="Lava's own unit tests under the layer.")
    parser.add_argument("folders", nargs="*", metavar="FOLDER", default=FOLDERS)
    parser.add_argument("--limit", type=float, default=120)
    args = parser.parse_args()
    for folder in args.folders:
        total: Counter[str] = Counter()
        for path in files(folder):
            counts, said = run(path, args.limit)
            total += counts
            total["files"] += 1
            if set(+counts) - {"passed", "skipped"} or not +counts:
                last = said.strip().splitlines()[-1:] or ["(nothing)"]
                sys.stdout.write(f"{path.name}: {_shown(counts)}; {last[0]}\n")
        sys.stdout.write(f"{folder}: {_shown(total)}\n")
        sys.stdout.flush()


def _shown(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "nothing ran"


if __name__ == "__main__":
    main()
