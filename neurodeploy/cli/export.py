"""Write a network for another tool: NIR, lava-dl's netx, a program for Lava, or files for SANA-FE."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from neurodeploy.cli.arguments import (
    MODEL_HELP,
    add_reading,
    calibration_data,
    frames,
    has_artifact,
    load_data,
    require_file,
    require_folder,
    settings,
    stimulus,
)
from neurodeploy.cli.console import Console
from neurodeploy.errors import UsageError

if TYPE_CHECKING:
    from neurodeploy.ir import Graph
    from neurodeploy.network import Network, Stimulus

EXAMPLE = "neurodeploy export NET.onnx --to nir -o NET.nir"


def register(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("network", metavar="NET.onnx|MODEL", help=f"an artefact, or for nir {MODEL_HELP}")
    parser.add_argument(
        "--to",
        required=True,
        metavar="FORMAT",
        help="nir, netx, onnx-step (a file each), lava, lava-standard or sanafe (a folder)",
    )
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="what to write")
    parser.add_argument(
        "--strict", action="store_true", help="nir: refuse what other tools would read in another way"
    )
    parser.add_argument(
        "--nir-compat", metavar="1.0.4", choices=["1.0.4"], help="nir: a file that nir 1.0.4 reads as well"
    )
    parser.add_argument(
        "--data",
        metavar="DATA",
        help="data of a MODEL (default: what the run was trained on); sanafe: its first sample is the input",
    )
    parser.add_argument(
        "--target", help="sanafe: chip whose cores and costs are written (default: the artefact's)"
    )
    parser.add_argument("--steps", metavar="T", type=int, help="time steps of a MODEL (default: the run's)")
    add_reading(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Write it; what the format cannot hold is said, or refused."""
    from neurodeploy.exporter import export, get_exporter

    if get_exporter(args.to).writes_folder:
        require_folder("-o", args.output)
    else:
        require_file("-o", args.output, inputs=(args.network, args.data))
    network = _network(args, console)
    notes = export(network, args.to, args.output, **_options(args, network, console))
    lines = [f"{args.output}: {args.to}", *(f"  {note}" for note in notes)]
    facts = [asdict(note) for note in notes]
    data = {"network": args.network, "to": args.to, "output": args.output, "notes": facts}
    console.result("export", "\n".join(lines), data)
    return 0


def _options(args: argparse.Namespace, network: Network | Graph, console: Console) -> dict[str, Any]:
    given = {"strict": args.strict or None, "compat": args.nir_compat, "target": args.target}
    given["stimulus"] = _first_sample(args, network, console)
    return {name: value for name, value in given.items() if value is not None}


def _first_sample(args: argparse.Namespace, network: Network | Graph, console: Console) -> Stimulus | None:
    """The input of an export that holds one sample."""
    from neurodeploy.exporter import get_exporter
    from neurodeploy.network import Network

    if (
        "stimulus" not in get_exporter(args.to).options
        or args.data is None
        or not isinstance(network, Network)
    ):
        return None
    data = load_data(args.data, 1, network.steps, network.input.shape)
    return stimulus(network, data, console)


def _network(args: argparse.Namespace, console: Console) -> Network | Graph:
    if has_artifact(args.network):
        from neurodeploy.artifact import load

        needless = args.data is not None and args.to != "sanafe"
        if needless or args.steps is not None or args.preset is not None or args.set:
            raise UsageError("--data, --steps, --from and --set are for a MODEL; an artefact holds its own")
        return load(args.network)
    from neurodeploy.compiler import read_model
    from neurodeploy.frontends.model import open_model

    model = open_model(args.network, settings(args)[1])
    spec = args.data or model.data
    steps = args.steps or model.steps
    data = None if spec is None else calibration_data(spec, args.network, "--data", steps, console)
    imported, _ = read_model(model, None if data is None else frames(data), args.steps)
    return imported.graph
