"""Measure a network on data and write run.json, report.md and report.html."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from neurodeploy.cli.arguments import (
    add_data,
    add_reading,
    load_artifact,
    load_data,
    option_words,
    reading_words,
    require_folder,
    settings,
    stimulus,
)
from neurodeploy.cli.console import Console
from neurodeploy.command_line import command_line
from neurodeploy.errors import MismatchError, UsageError

if TYPE_CHECKING:
    from neurodeploy.compare import Verification
    from neurodeploy.data import Dataset
    from neurodeploy.frontends.model import Model
    from neurodeploy.network import Network

EXAMPLE = "neurodeploy report NET.onnx --data digits@test --model RUN -o REPORT"


def register(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("network", metavar="NET.onnx", help="an artefact, or zoo:NAME")
    add_data(parser)
    parser.add_argument(
        "--model", metavar="MODEL", help="the float model it was compiled from, to see what rounding cost"
    )
    add_reading(parser)
    parser.add_argument(
        "--backends",
        metavar="A,B",
        help="compare back ends too, such as engine,onnxruntime (default: do not)",
    )
    parser.add_argument(
        "-o", "--output", metavar="DIR", required=True, help="folder of the report, made if missing"
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Measure, render, write; exit code 5 where back ends were compared and differ."""
    from neurodeploy.report import report, require_renderers, write

    require_renderers()
    require_folder("-o", args.output)
    network = load_artifact(args.network)
    data = load_data(args.data, args.limit, network.steps, network.input.shape)
    verification = _verify(args, network, data, console) if args.backends else None
    console.say(f"running {len(data)} samples of {data.spec}")
    made = report(
        network,
        data,
        model=_model(args),
        command=_command(args),
        verification=verification,
        progress=lambda done, total: console.progress("report", done, total, "samples"),
    )
    written = write(made, args.output)
    paths = "\n".join(f"  {path}" for path in written.to_dict().values())
    console.result("report", f"{made.verdict}\n{paths}", {**made.to_dict(), "files": written.to_dict()})
    if verification is not None and not verification.equal:
        raise MismatchError("; ".join(str(m) for m in verification.mismatches))
    if not network.learning:
        console.next("neurodeploy", "learn", args.network, "--data", "TRAINING-DATA", "-o", "LEARNED.onnx")
    return 0


def _model(args: argparse.Namespace) -> Model | None:
    if args.model is None:
        if reading_words(args):
            raise UsageError("--from and --set say how to read --model MODEL, which is missing")
        return None
    from neurodeploy.frontends.model import open_model

    return open_model(args.model, settings(args)[1])


def _verify(args: argparse.Namespace, network: Network, data: Dataset, console: Console) -> Verification:
    from neurodeploy.compare import compare

    names = tuple(args.backends.split(","))
    console.say(f"comparing {', '.join(names)} on {len(data)} samples")
    return compare(network, stimulus(network, data, console), names)


def _command(args: argparse.Namespace) -> str:
    """The command line that makes the same report."""
    words = ["neurodeploy", "report", args.network, "--data", args.data, "-o", args.output]
    words += option_words({"--model": args.model, "--limit": args.limit, "--backends": args.backends})
    return command_line(*words, *reading_words(args))
