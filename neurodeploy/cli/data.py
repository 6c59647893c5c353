"""List the built-in data sets, or fetch one."""

from __future__ import annotations

import argparse
from pathlib import Path

from neurodeploy.cli.columns import columns
from neurodeploy.cli.console import Console

EXAMPLE = "neurodeploy data get fashion-mnist"


def register(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.add_argument("action", choices=("list", "get"), nargs="?", default="list", help="default: list")
    parser.add_argument("name", nargs="?", help="data set to fetch")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FOLDER", help="where to (default: the user's cache)"
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Show the table of data sets, or download, check and keep the files of one."""
    return _get(args, console) if args.action == "get" else _list(args, console)


def _list(args: argparse.Namespace, console: Console) -> int:
    from neurodeploy.data import catalogue
    from neurodeploy.errors import UsageError

    if args.name or args.output:
        raise UsageError("list takes no name and no -o. To fetch a data set: neurodeploy data get NAME")
    rows = [("name", "shape", "classes", "train", "test", "licence", "found")]
    for entry in catalogue():
        shape = "x".join(map(str, entry.shape))
        counts = (str(entry.classes), str(entry.train), str(entry.test))
        rows.append((entry.name, shape, *counts, entry.licence, entry.found or "not found"))
    text = "\n".join(columns(rows, right=(1, 2, 3, 4)))
    console.result("data-list", text, {"datasets": [entry.to_dict() for entry in catalogue()]})
    return 0


def _get(args: argparse.Namespace, console: Console) -> int:
    from neurodeploy.data.download import download
    from neurodeploy.data.registry import DATASETS, DOWNLOADS
    from neurodeploy.errors import UsageError

    if args.name not in DOWNLOADS:
        reason = "is not a data set to fetch"
        if args.name in DATASETS:
            there = DATASETS[args.name].where() is not None
            reason = (
                "needs no download" if there else f"cannot be fetched: give its folder, {args.name}:FOLDER"
            )
        raise UsageError(f"{args.name or 'nothing'} {reason}. There are {', '.join(DOWNLOADS)}")
    paths = download(DOWNLOADS[args.name], args.output, progress=console.progress)
    folder = paths[0].parent
    console.result("data-get", str(folder), {"name": args.name, "folder": str(folder)})
    spec = f"{args.name}:{folder}" if args.output else args.name
    what = ("--data", spec, "--rule", "ottt-a", "--steps", 8, "-o", "RUN")
    console.next("neurodeploy", "train", "--model", "mlp:784-256-10", *what)
    return 0
