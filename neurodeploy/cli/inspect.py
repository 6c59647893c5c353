"""Show a network: its layers, ranges, fit, and everything that was rounded or assumed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurodeploy.cli.arguments import MODEL_HELP, add_reading, calibration_data, frames, is_artifact, settings
from neurodeploy.cli.compile import FILES
from neurodeploy.cli.console import Console
from neurodeploy.errors import UsageError

if TYPE_CHECKING:
    from neurodeploy.chip import Chip
    from neurodeploy.network import Network


def register(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("network", metavar="NET.onnx|MODEL", help=f"an artefact, or {MODEL_HELP}")
    parser.add_argument("--ir", action="store_true", help="print the graph as text")
    parser.add_argument("--target", help="chip whose limits are checked (default: the artefact's, or loihi2)")
    parser.add_argument(
        "--data", metavar="DATA", help="data of a MODEL (default: what the run was trained on)"
    )
    parser.add_argument("--steps", metavar="T", type=int, help="time steps of a MODEL (default: the run's)")
    add_reading(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Print tables, or the graph with --ir; exit code 4 if the network does not fit."""
    from neurodeploy.chip import load_chip
    from neurodeploy.passes import Fit, Legalise

    compiled = is_artifact(args.network)
    if not compiled and args.ir:
        return _model_ir(args, console)
    network = _network(args)
    chip = load_chip(args.target or network.target)
    console.result(
        "inspect", repr(network.graph).rstrip() if args.ir else _text(network, chip), _data(network, chip)
    )
    Legalise(chip).apply(network.graph, [])
    Fit(chip).apply(network.graph, [])
    verb, rest = ("run", "--data DATA") if compiled else ("compile", "-o NET.onnx")
    console.next(f"neurodeploy {verb} {args.network} {rest}")
    return 0


def _network(args: argparse.Namespace) -> Network:
    if is_artifact(args.network):
        from neurodeploy.artifact import load

        if args.data is not None or args.steps is not None or args.preset is not None or args.set:
            raise UsageError("--data, --steps, --from and --set are for a MODEL; an artefact holds its own")
        return load(args.network)
    from neurodeploy.compiler import compile
    from neurodeploy.frontends.model import open_model

    config, reading = settings(args)
    model = open_model(args.network, reading)
    return compile(
        model, _sample(args, model), args.target or "loihi2", steps=args.steps, config=config, reading=reading
    )


def _sample(args: argparse.Namespace, model: Any) -> Any:
    if args.data is None and model.data is None and Path(args.network).suffix in FILES:
        return None
    return frames(
        calibration_data(args.data or model.data, args.network, "--data", args.steps or model.steps)
    )


def _model_ir(args: argparse.Namespace, console: Console) -> int:
    from neurodeploy.compiler import read_model
    from neurodeploy.frontends.model import open_model
    from neurodeploy.ir import to_text

    model = open_model(args.network, settings(args)[1])
    imported, steps = read_model(model, _sample(args, model), args.steps)
    text = to_text(imported.graph)
    notes = [str(note) for note in imported.notes]
    console.result("inspect", text.rstrip(), {"ir": text, "steps": steps, "notes": notes})
    console.say("\n".join(f"assumed: {note}" for note in notes))
    return 0


def _text(network: Network, chip: Chip) -> str:
    from neurodeploy.passes import chip_need, layer_ranges

    need = chip_need(network.graph, chip)
    ranges = {r.layer: r for r in layer_ranges(network.graph, chip.registers, network.steps)}
    lines = [
        f"{network.steps} time steps, compiled for {network.target}",
        "",
        f"{'layer':<12} {'neurons':>8} {'synapses':>9} {'bits':>4} {'bytes':>9} {'cores':>5} {'|v| at most':>12} "
        f"{'limit':>9}  overflow",
    ]
    for layer in need.layers:
        found = ranges[layer.layer]
        lines.append(
            f"{layer.layer:<12} {layer.neurons:>8} {layer.synapses:>9} {layer.weight_bits:>4} "
            f"{layer.synapse_bytes:>9} {layer.cores:>5} {found.v:>12} {found.v_limit:>9}  "
            f"{'impossible' if found.proven else 'possible, counted'}"
        )
    excess = "" if need.fits else "does not fit: "
    lines += [
        "",
        f"{excess}at least {need.cores} of {need.cores_limit} cores of {need.chip} (lower bound)",
    ]
    lines += [f"not checked, not public: {item}" for item in need.not_checked]
    lines += ["", "rounded, assumed, proven:", *(f"  {note}" for note in network.notes)]
    if network.learning:
        lines += [
            "",
            f"learned: {network.learning['samples']} samples of {network.learning.get('data', 'data not named')}",
        ]
    return "\n".join(lines)


def _data(network: Network, chip: Chip) -> dict[str, Any]:
    from dataclasses import asdict

    from neurodeploy.ir import to_text
    from neurodeploy.passes import chip_need, layer_ranges

    ranges = layer_ranges(network.graph, chip.registers, network.steps)
    return {
        "steps": network.steps,
        "target": chip.id,
        "ir": to_text(network.graph),
        "fit": chip_need(network.graph, chip).to_dict(),
        "ranges": [{**asdict(r), "proven": r.proven} for r in ranges],
        "notes": [{"layer": note.layer, "what": note.what} for note in network.notes],
        "provenance": dict(network.provenance),
        "learning": dict(network.learning),
    }
