"""Compile a trained model for a chip: integers, limits, one .onnx artefact."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from neurodeploy.cli.arguments import calibration_data, frames, require_writable, write_output
from neurodeploy.cli.console import Console
from neurodeploy.errors import UsageError

if TYPE_CHECKING:
    from neurodeploy.ir import Graph
    from neurodeploy.network import Network

PASSES = ("import", "quantize", "legalise", "ranges", "fit")


def register(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("model", metavar="MODEL", help="a run folder, or package.module:callable")
    parser.add_argument(
        "-o", "--output", metavar="NET.onnx", required=True, help="the artefact ('-' for stdout)"
    )
    parser.add_argument("--target", default="loihi2", help="chip by name, or a .toml (default loihi2)")
    parser.add_argument("--bits", type=int, help="bits of a weight, 2 to 8 (default 8)")
    parser.add_argument("--rounding", choices=["nearest"], default="nearest", help="rounding of weights")
    parser.add_argument(
        "--calibrate",
        metavar="DATA",
        help="data that find the input's grid (default: what the run was trained on)",
    )
    parser.add_argument("--steps", metavar="T", type=int, help="time steps a sample (default: the run's)")
    parser.add_argument(
        "--set", metavar="A.B=C", action="append", default=[], help="set one option, as quant.bits=6"
    )
    parser.add_argument(
        "--print-ir-after", metavar="PASS", help="print the graph after a pass, or after 'all'"
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Compile and write the artefact."""
    from neurodeploy.artifact import to_bytes
    from neurodeploy.compiler import compile, parse_settings
    from neurodeploy.frontends.model import open_model

    require_writable(args.output)
    if args.print_ir_after not in (None, *PASSES, "all"):
        raise UsageError(f"--print-ir-after takes all, {', '.join(PASSES)}, not {args.print_ir_after!r}")
    config = parse_settings(_settings(args.set))
    model = open_model(args.model)
    data = calibration_data(
        args.calibrate or model.data, args.model, "--calibrate", args.steps or model.steps
    )
    network = compile(
        model,
        frames(data),
        args.target,
        steps=args.steps,
        bits=args.bits,
        config=config,
        calibration={"data": data.spec, "sha256": data.sha256()},
        after_pass=_Printer(args.print_ir_after, console),
    )
    content = to_bytes(network)
    write_output(args.output, content)
    if args.output != "-":
        console.result("compile", _summary(network, args, content), _data(network, args, content))
        console.next(
            f"neurodeploy verify {args.output} --data {data.spec.replace('@train', '@test')} --limit 200"
        )
    return 0


def _settings(given: list[str]) -> dict[str, str]:
    pairs = {}
    for item in given:
        path, equals, value = item.partition("=")
        if not equals or path.count(".") != 1:
            raise UsageError(f"--set must be A.B=C, such as quant.bits=6, not {item!r}")
        pairs[path] = value
    return pairs


class _Printer:
    """Reports each pass on stderr, and the graph after it where asked."""

    def __init__(self, wanted: str | None, console: Console) -> None:
        self._wanted, self._console = wanted, console

    def __call__(self, name: str, graph: Graph, seconds: float) -> None:
        self._console.detail(f"[{name}] {seconds:.3f} s, {len(graph.names)} layers")
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
        "notes": [{"layer": note.layer, "what": note.what} for note in network.notes],
        "provenance": dict(network.provenance),
    }
