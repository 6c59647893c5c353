"""`python -m tests.fuzz.guided READER [--seconds S] [--seed N] [--keep FOLDER]`: mutations led by the code they reach.

Needs atheris (`pip install atheris`), which brings libFuzzer. Readers, valid files, mutations, limits and what was
found earlier are those of `python -m tests.fuzz`; a case that reaches new code is kept and changed again. Ends at the
first fault with an exit code that is not 0; --keep writes its files. Not for readers of HDF5, whose library may not
come back from changing a damaged file.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import NoReturn

import msgspec

Files = dict[str, bytes]
LARGEST = 1 << 20
"""Bytes of a case."""
LIMITS = (f"-max_len={LARGEST}", "-timeout=9", "-rss_limit_mb=4096", "-print_final_stats=1")


class Guided:
    """A reader as libFuzzer drives it; what it imports from neurodeploy tells which code was reached."""

    def __init__(self, atheris: ModuleType, name: str) -> None:
        self._atheris = atheris
        with atheris.instrument_imports(include=["neurodeploy", "tomllib"]):
            from tests.fuzz import hdf5_files
            from tests.fuzz.campaign import attempt
            from tests.fuzz.found import files, found
            from tests.fuzz.readers import READERS

            able = {n: r for n, r in READERS.items() if (hdf5_files.mutate,) not in r.within.values()}
            self._attempt, self._reader = attempt, able[name]
            self.cases: list[Files] = [*self._reader.seeds(), *map(files, found(name))]
            for case in self.cases:  # readers import some modules when they need them
                attempt(self._reader, case)

    def run(self, corpus: Path, options: list[str]) -> NoReturn:
        """Until the time is over or a fault is found; ends the process."""
        arguments = [sys.argv[0], *options, str(corpus)]
        self._atheris.Setup(arguments, self._once, custom_mutator=self._changed)
        self._atheris.Fuzz()
        raise SystemExit

    def _once(self, data: bytes) -> None:
        files = unpack(data)
        if files is not None and (fault := self._attempt(self._reader, files)) is not None:
            print(f"{fault.place}\n{fault.text}", file=sys.stderr, flush=True)  # noqa: T201
            os.abort()  # libFuzzer keeps the case and ends

    def _changed(self, data: bytes, largest: int, seed: int) -> bytes:
        draw = Random(seed)
        changed = pack(self._reader.mutate(unpack(data) or draw.choice(self.cases), draw))
        return changed if len(changed) <= largest else data


def pack(files: Files) -> bytes:
    """The files of a case as the one text that libFuzzer knows."""
    return msgspec.msgpack.encode(files)


def unpack(data: bytes) -> Files | None:
    """None for what `pack` did not make."""
    try:
        return msgspec.msgpack.decode(data, type=Files) or None
    except msgspec.DecodeError:
        return None


def guided(driven: Guided, options: list[str], keep: Path | None) -> int:
    """Run libFuzzer in a process of its own, which it ends; its exit code."""
    from tests.fuzz.watch import write  # imports neurodeploy, which `Guided` has to be the first to do

    with TemporaryDirectory() as folder:
        corpus, faults = Path(folder) / "corpus", Path(folder) / "faults"
        faults.mkdir()
        write(corpus, {str(number): pack(case) for number, case in enumerate(driven.cases)})
        child = os.fork()
        if child == 0:
            driven.run(corpus, [*options, f"-artifact_prefix={faults}/"])
        _, status = os.waitpid(child, 0)
        for fault in faults.iterdir() if keep else ():
            write(keep / fault.name, unpack(fault.read_bytes()) or {})
    return os.waitstatus_to_exitcode(status)


def main() -> int:
    """The exit code of libFuzzer, or 6 without atheris."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.guided", description=__doc__)
    parser.add_argument("reader")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the files of a fault")
    args = parser.parse_args()
    try:
        import atheris
    except ImportError:
        print("python -m tests.fuzz.guided needs atheris: pip install atheris", file=sys.stderr)  # noqa: T201
        return 6
    try:
        driven = Guided(atheris, args.reader)
    except KeyError as error:
        parser.error(
            f"no reader {error} of other files than HDF5; `python -m tests.fuzz --help` lists all readers"
        )
    return guided(driven, [f"-max_total_time={args.seconds}", f"-seed={args.seed}", *LIMITS], args.keep)


if __name__ == "__main__":
    sys.exit(main())
