"""What the studies of the training rules share: their arguments, their data, how they end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

import pictures
import torch

from neurodeploy.data import Dataset, load
from neurodeploy.errors import NeurodeployError


def parser(text: str | None, name: str, train: int = 60000, test: int = 10000) -> argparse.ArgumentParser:
    """Options of every study; `name` is that of its picture, `train` and `test` the samples it takes."""
    made = argparse.ArgumentParser(description=text, allow_abbrev=False)
    made.add_argument("--data", default="fashion-mnist", metavar="NAME[:FOLDER]")
    made.add_argument("--train", type=int, default=train, metavar="N", help=f"samples to train on ({train})")
    made.add_argument("--test", type=int, default=test, metavar="N", help=f"samples to test on ({test})")
    made.add_argument("--seed", type=int, default=0)
    pictures.add_options(made, name)
    return made


def splits(args: argparse.Namespace) -> tuple[Dataset, Dataset]:
    """Training and test data, as many samples as the arguments say."""
    train, test = (load(f"{args.data}@{split}") for split in ("train", "test"))
    return train.limit(args.train), test.limit(args.test)


def run(main: Callable[[], None]) -> None:
    """Run a study on one thread; what the user can solve ends it with one line and its exit code."""
    torch.set_num_threads(1)
    try:
        main()
    except NeurodeployError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)


def percent(shares: Sequence[float]) -> list[str]:
    """Shares 0..1 for a table."""
    return [f"{share:.2%}" for share in shares]
