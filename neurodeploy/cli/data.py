"""List the built-in data sets, or fetch one."""

from __future__ import annotations

import argparse
from pathlib import Path

from neurodeploy.cli.console import Console


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
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    text = "\n".join(line.rstrip() for line in lines)
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
    console.next(f"neurodeploy train --model mlp:784-256-10 --data {spec} --rule ottt-a --steps 8 -o RUN")
    return 0
