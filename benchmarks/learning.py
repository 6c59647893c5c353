"""Learning on the chip in a scenario on real data, beside its baselines.

`python benchmarks/learning.py --scenario drift [--data fashion-mnist:FOLDER] [-o DIR]`: prints a table and writes it
with the record (JSON) and a picture. `docs/learning.md` says what the scenarios are and how long each takes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import study

from neurodeploy.learning.scenarios import SCENARIOS, Learning, run, table, write


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a scenario, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--scenario", required=True, choices=SCENARIOS)
    parser.add_argument("--data", metavar="NAME[:FOLDER]", help="default: the scenario's own")
    parser.add_argument("--layers", choices=["last", "all"], default="last", help="which layers learn (last)")
    parser.add_argument("--feedback", choices=["symmetric", "sign", "random"], default="symmetric")
    parser.add_argument("--seeds", type=int, default=5, metavar="N")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="default: runs/SCENARIO")
    args = parser.parse_args(arguments)
    learning = Learning(args.layers, args.feedback)
    outcome = run(args.scenario, args.data, learning=learning, seeds=args.seeds, watch=_say)
    folder = args.output or Path("runs", args.scenario)
    written = write(outcome, folder)
    print(table(outcome.record))
    print(f"written: {', '.join(str(folder / name) for name in written)}")


def _say(what: str, done: int, total: int) -> None:
    print(f"{done}/{total} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    study.run(main)
