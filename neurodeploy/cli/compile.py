"""Compile a trained model for a chip: integers, limits, one .onnx artefact."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurodeploy.cli.arguments import (
    MODEL_HELP,
    add_reading,
    calibration_data,
    require_writable,
    settings,
    write_output,
)
from neurodeploy.cli.console import Console
from neurodeploy.errors import UsageError

if TYPE_CHECKING:
    from neurodeploy.data import Dataset
    from neurodeploy.frontends.model import Model
    from neurodeploy.ir import Graph
    from neurodeploy.network import Network

FILES = (".nir", ".net")
"""Models that may hold all that is needed to compile them without data."""

EXAMPLE = "neurodeploy compile RUN --bits 4 --rounding gptq -o NET.onnx"


def register(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    parser.add_argument(
        "-o", "--output", metavar="NET.onnx", required=True, help="the artefact ('-' for stdout)"
    )
    parser.add_argument("--target", default="loihi2", help="chip by name, or a .toml (default loihi2)")
    parser.add_argument("--board", help="several chips: a board of the target, such as kapoho-point")
    parser.add_argument(
        "--map",
        action="store_true",
        help="store on which core each neuron is, for the lowest energy-delay product on the data of --calibrate",
    )
    parser.add_argument("--bits", type=int, help="bits of a weight, 2 to 8 (default 8)")
    parser.add_argument(
        "--rounding",
        choices=["nearest", "gptq", "stochastic", "truncate"],
        help="rounding of weights (default nearest); gptq makes up for errors by the inputs' covariance",
    )
    parser.add_argument(
        "--calibrate",
        metavar="DATA",
        help="data that find the input's integers (default: what the run was trained on; zoo:NAME needs none)",
    )
    parser.add_argument("--steps", metavar="T", type=int, help="time steps a sample (default: the run's)")
    add_reading(parser)
    parser.add_argument(
        "--print-ir-after", metavar="PASS", help="print the graph after a pass, or after 'all'"
    )
    parser.add_argument("--time-passes", action="store_true", help="print how long each pass took")
    parser.add_argument(
        "--check-passes",
        action="store_true",
        help="after each float pass, run the data in float and compare every spike",
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Compile and write the artefact."""
    from msgspec.structs import replace

    from neurodeploy.artifact import to_bytes
    from neurodeploy.chip import load_chip
    from neurodeploy.compiler import PASS_NAMES, compile
    from neurodeploy.frontends.model import open_model
    from neurodeploy.mapping.store import mapped

    require_writable(args.output, ".onnx", inputs=(args.model,))
    if args.print_ir_after not in (None, *PASS_NAMES, "all"):
        raise UsageError(f"--print-ir-after takes all, {', '.join(PASS_NAMES)}, not {args.print_ir_after!r}")
    config, reading = settings(args)
    if args.rounding is not None:
        config = replace(config, quant=replace(config.quant, rounding=args.rounding))
    model = open_model(args.model, reading)
    data = _calibration(args, model, console)
    network = compile(
        model,
        None if data is None else data.time_first,
        args.target,
        board=args.board,
        steps=args.steps,
        bits=args.bits,
        config=config,
        reading=reading,
        time_axis=data is not None and data.time_axis,
        calibration={} if data is None else _record(data),
        check_passes=args.check_passes,
        after_pass=_Printer(args.print_ir_after, args.time_passes, console),
    )
    if args.map:
        network = mapped(network, load_chip(args.target), args.board, data)
    content = to_bytes(network)
    write_output(args.output, content)
    if args.output != "-":
        console.result("compile", _summary(network, args, content), _data(network, args, content))
        if unknown := load_chip(args.target).not_checked:
            console.say(f"{network.target}: not public, so not checked: {', '.join(unknown)}")
        spec = model.data if data is None else data.spec
        tested = "DATA" if spec is None else spec.replace("@train", "@test")
        console.next("neurodeploy", "verify", args.output, "--data", tested, "--limit", 200)
    return 0


def _calibration(args: argparse.Namespace, model: Model, console: Console) -> Dataset | None:
    """The data of --calibrate, or those the model names; a file of another framework may need none, and zoo: none."""
    from neurodeploy.zoo import is_zoo

    if args.calibrate is None and is_zoo(args.model):
        return None
    spec = args.calibrate or model.data
    if spec is None and Path(args.model).suffix in FILES:
        return None
    return calibration_data(spec, args.model, "--calibrate", args.steps or model.steps, console)


def _record(data: Dataset) -> dict[str, Any]:
    assumed = {"assumed": list(data.assumed)} if data.assumed else {}
    return {"data": data.spec, "sha256": data.sha256(), **assumed}


class _Printer:
    """Reports each pass on stderr, and the graph after it where asked."""

    def __init__(self, wanted: str | None, timed: bool, console: Console) -> None:
        self._wanted, self._timed, self._console = wanted, timed, console

    def __call__(self, name: str, graph: Graph, seconds: float) -> None:
        tell = self._console.error if self._timed else self._console.detail
        tell(f"[{name}] {seconds:.3f} s, {len(graph.names)} layers")
        if self._wanted in (name, "all"):
            self._console.error(f"; graph after {name}\n{graph!r}")


def _summary(network: Network, args: argparse.Namespace, content: bytes) -> str:
    lines = [f"{args.output}: {len(content)} bytes, {network.steps} steps, target {network.target}"]
    lines += [f"  {note}" for note in network.notes]
    return "\n".join(lines)


def _data(network: Network, args: argparse.Namespace, content: bytes) -> dict[str, Any]:
    return {
        "artifact": args.output,
        "bytes": len(content),
        "target": network.target,
        "steps": network.steps,
        "notes": [asdict(note) for note in network.notes],
        "provenance": dict(network.provenance),
    }
