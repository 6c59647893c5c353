"""Verify that every back end gives the same numbers."""

from __future__ import annotations

import argparse

from neurodeploy.cli.arguments import add_data, load_artifact, load_data, stimulus
from neurodeploy.cli.console import Console
from neurodeploy.errors import MismatchError

EXAMPLE = "neurodeploy verify NET.onnx --data digits@test --limit 200"


def register(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("network", metavar="NET.onnx", help="an artefact, or zoo:NAME")
    add_data(parser)
    parser.add_argument(
        "--backends",
        default="engine,onnxruntime,lava",
        help="comma-separated (default engine,onnxruntime,lava)",
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Compare every layer's spikes and potentials; exit code 5 on a difference."""
    from neurodeploy.backend import Progress
    from neurodeploy.compare import compare
    from neurodeploy.data import check_labels

    network = load_artifact(args.network)
    data = load_data(args.data, args.limit, network.steps, network.input.shape)
    labels = None if data.y is None else check_labels(data, network.graph.types[network.graph.output].size)

    def progress(backend: str) -> Progress:
        console.say(f"running {backend} on {len(data)} samples")
        return lambda done, total: console.progress(backend, done, total, "samples")

    done = compare(network, stimulus(network, data, console), tuple(args.backends.split(",")), progress)
    accuracy = None if labels is None else float((done.predictions == labels).mean())
    shown = "" if accuracy is None else f"; accuracy {100 * accuracy:.2f} %"
    seconds = ", ".join(f"{name} {s:.2f} s" for name, s in zip(done.backends, done.seconds, strict=True))
    console.result(
        "verify",
        f"{done}{shown}\n{seconds}",
        {"network": args.network, "data": data.spec, "accuracy": accuracy, **done.to_dict()},
    )
    if not done.equal:
        raise MismatchError("; ".join(str(m) for m in done.mismatches))
    console.next("neurodeploy", "report", args.network, "--data", args.data, "-o", "REPORT")
    return 0
