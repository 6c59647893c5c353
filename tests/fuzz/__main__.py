"""`python -m tests.fuzz READER|all [--runs N] [--seed S] [--first I] [--keep FOLDER]`: many runs of a reader.

Exit code 1 where something was found; --keep writes the files of the first run of each kind of fault.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.fuzz.campaign import campaign, case
from tests.fuzz.readers import READERS
from tests.fuzz.watch import write


def main() -> int:
    """Run; 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("reader", choices=[*READERS, "all"])
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first run")
    parser.add_argument("--keep", type=Path, help="folder for the files of each kind of fault")
    args = parser.parse_args()
    total = 0
    for name in READERS if args.reader == "all" else [args.reader]:
        found = campaign(name, args.runs, args.seed, args.first, lambda text: print(text, flush=True))  # noqa: T201
        for number, (run, _) in enumerate(found.faults.values() if args.keep else ()):
            seeds = READERS[name].seeds()
            write(
                args.keep / name / f"{args.seed}-{run}-{number}",
                case(name, READERS[name], seeds, args.seed, run),
            )
        total += len(found.faults)
    return min(total, 1)


if __name__ == "__main__":
    sys.exit(main())
