"""Show a network: its layers, ranges, fit, work and energy, and everything that was rounded or assumed."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurodeploy.cli.arguments import (
    MODEL_HELP,
    add_reading,
    calibration_data,
    frames,
    has_artifact,
    load_data,
    option_words,
    reading_words,
    require_file,
    settings,
    stimulus,
    write_output,
)
from neurodeploy.cli.columns import columns
from neurodeploy.cli.compile import FILES
from neurodeploy.cli.console import Console
from neurodeploy.cli.fit_text import fit_lines
from neurodeploy.cli.map_text import map_lines
from neurodeploy.cli.untrained import notation, untrained_graph
from neurodeploy.errors import FitError, UsageError

if TYPE_CHECKING:
    from neurodeploy.chip import Chip
    from neurodeploy.data import Dataset
    from neurodeploy.frontends.model import Model
    from neurodeploy.ir import Graph
    from neurodeploy.mapping import Mapping
    from neurodeploy.network import Network, Stimulus
    from neurodeploy.passes import ChipNeed, LayerRange

RANGES = ("layer", "neurons", "synapses", "bits", "cores", "|v| at most", "limit", "overflow")
SAMPLES = 32
"""Samples that are counted where the user does not say how many."""

EXAMPLE = "neurodeploy inspect 784-256-10 --steps 8 --target loihi1"


def register(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument(
        "network",
        metavar="NET.onnx|MODEL",
        help=f"an artefact, {MODEL_HELP}, or an untrained network such as 784-256-10 or vgg-sws",
    )
    parser.add_argument("--ir", action="store_true", help="print the graph as text")
    parser.add_argument("--target", help="chip whose limits are checked (default: the artefact's, or loihi2)")
    parser.add_argument(
        "--data",
        metavar="DATA",
        help="count work and estimate energy and time on these data (a MODEL takes its input's range from them, too)",
    )
    parser.add_argument(
        "--limit",
        metavar="N",
        type=int,
        default=SAMPLES,
        help=f"samples that are counted (default {SAMPLES})",
    )
    parser.add_argument(
        "--map", action="store_true", help="put the network on cores for the lowest energy-delay product"
    )
    parser.add_argument(
        "--board", help="spread over the chips of a board of the target, such as kapoho-point"
    )
    parser.add_argument("--svg", metavar="FILE.svg", help="draw the map (with --map)")
    parser.add_argument("--steps", metavar="T", type=int, help="time steps of a MODEL (default: the run's)")
    add_reading(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Print tables, or the graph with --ir; exit code 4 if the network does not fit."""
    from neurodeploy.chip import load_chip
    from neurodeploy.passes import Legalise, chip_need, layer_ranges

    _check_map(args)
    compiled = has_artifact(args.network)
    untrained = None if compiled or Path(args.network).exists() else notation(args.network)
    if untrained is not None:
        return _untrained(args, untrained, console)
    if args.ir:
        _check_ir(args, compiled)
    if not compiled and args.ir:
        return _model_ir(args, console)
    network = _network(args, console)
    chip = load_chip(args.target or network.target)
    need = chip_need(network.graph, chip, args.board)
    ranges = layer_ranges(network.graph, chip.registers, network.steps)
    text = repr(network.graph).rstrip() if args.ir else _text(network, need, ranges)
    given = _stimulus(args, network, console)
    found = _mapping(args, network.graph, chip, need, network, given)
    lines, work = _work(args, network, chip, need, found, given)
    shown = [text, *([] if found is None else ["", *map_lines(found)]), *lines]
    console.result("inspect", "\n".join(shown), _data(network, chip, need, ranges) | _map_data(found) | work)
    Legalise(chip).apply(network.graph, [])
    _require_fit(need)
    if compiled:
        console.next("neurodeploy", "run", args.network, "--data", args.data or "DATA")
    else:
        console.next("neurodeploy", "compile", args.network, *_compile_words(args), "-o", "NET.onnx")
    return 0


def _compile_words(args: argparse.Namespace) -> list[str]:
    """What was given here and `compile` takes as well."""
    given = {
        "--calibrate": args.data,
        "--target": args.target,
        "--board": args.board,
        "--steps": args.steps,
    }
    return [*option_words(given), *(["--map"] if args.map else []), *reading_words(args)]


def _require_fit(need: ChipNeed) -> None:
    if not need.fits:
        raise FitError("; ".join(need.problems))


def _untrained(args: argparse.Namespace, model: str, console: Console) -> int:
    """Before training: the graph, or the fit of every layer."""
    from neurodeploy.chip import load_chip
    from neurodeploy.ir import to_text
    from neurodeploy.passes import chip_need

    if args.data is not None or args.preset is not None or args.set:
        raise UsageError(
            f"--data, --from and --set are for a trained network; {model} is only a notation, with random weights"
        )
    chip = load_chip(args.target or "loihi2")
    graph, notes = untrained_graph(model, args.steps)
    need = chip_need(graph, chip, args.board)
    found = _mapping(args, graph, chip, need, None, None)
    text = to_text(graph).rstrip()
    if not args.ir:
        lines = [f"{model}, {args.steps} time steps, not trained", "", *fit_lines(need)]
        lines += [] if found is None else ["", *map_lines(found)]
        text = "\n".join([*lines, "", "assumed:", *(f"  {note}" for note in notes)])
    facts = [asdict(note) for note in notes]
    data = {"model": model, "steps": args.steps, "target": chip.id, "fit": need.to_dict(), "notes": facts}
    data |= _map_data(found)
    console.result("inspect", text, data)
    _require_fit(need)
    what = ("--data", "DATA", "--rule", "RULE", "--steps", args.steps)
    console.next("neurodeploy", "train", "--model", model, *what, "-o", "RUN")
    return 0


def _check_map(args: argparse.Namespace) -> None:
    if args.svg is not None and not args.map:
        raise UsageError("--svg draws the map: give --map, too")
    if args.svg is not None:
        require_file("--svg", args.svg, inputs=(args.network, args.data))


def _check_ir(args: argparse.Namespace, compiled: bool) -> None:
    """Refuse what --ir would pass over."""
    if compiled and args.data is not None:
        raise UsageError("--ir prints the graph of the artefact, which --data do not change; leave one out")
    if not compiled and (args.map or args.board is not None or args.target is not None):
        raise UsageError(
            "--ir prints a MODEL as it was read, before any chip; leave out --target, --board and --map, or compile it"
        )


def _mapping(
    args: argparse.Namespace,
    graph: Graph,
    chip: Chip,
    need: ChipNeed,
    network: Network | None,
    given: Stimulus | None,
) -> Mapping | None:
    """The map where one is asked for, by measured activity where there are data; drawn with --svg."""
    if not args.map or not need.fits:
        return None
    from neurodeploy.mapping import map_network, measured_activity
    from neurodeploy.mapping.drawing import to_svg
    from neurodeploy.resources import layers

    activity = None if network is None or given is None else measured_activity(network, given)
    found = map_network(layers(graph), chip, activity, board=args.board)
    if args.svg is not None:
        write_output(args.svg, to_svg(found.to_dict()).encode())
    return found


def _map_data(found: Mapping | None) -> dict[str, Any]:
    return {} if found is None else {"mapping": found.to_dict()}


def _stimulus(args: argparse.Namespace, network: Network, console: Console) -> Stimulus | None:
    if args.data is None:
        return None
    data = load_data(args.data, args.limit, network.steps, network.input.shape)
    return stimulus(network, data, console)


def _work(
    args: argparse.Namespace,
    network: Network,
    chip: Chip,
    need: ChipNeed,
    found: Mapping | None,
    given: Stimulus | None,
) -> tuple[list[str], dict[str, Any]]:
    """What the samples of --data make the chip do, as text and as plain values."""
    if given is None:
        return [], {}
    from neurodeploy.cli.cost_text import cost_lines
    from neurodeploy.cost import measured_cost
    from neurodeploy.mapping import stored_placement

    if not need.fits or not chip.has_equal_cores:
        reason = "the network does not fit" if not need.fits else "no cost of an operation is public"
        return ["", f"energy and time on {chip.id}: unknown, {reason}"], {"cost": None}
    placement = stored_placement(network, chip.id) if found is None else found.placement
    counted, cost = measured_cost(network, chip, given, placement=placement)
    return ["", *cost_lines(counted, cost)], {"cost": {**cost.to_dict(), "counts": counted.to_dict()}}


def _network(args: argparse.Namespace, console: Console) -> Network:
    if has_artifact(args.network):
        from neurodeploy.artifact import load

        if args.steps is not None or args.preset is not None or args.set:
            raise UsageError("--steps, --from and --set are for a MODEL; an artefact holds its own")
        return load(args.network)
    from neurodeploy.compiler import compile
    from neurodeploy.frontends.model import open_model

    config, reading = settings(args)
    model = open_model(args.network, reading)
    data = _sample(args, model, console)
    return compile(
        model,
        None if data is None else data.time_first,
        args.target or "loihi2",
        board=args.board,
        steps=args.steps,
        config=config,
        reading=reading,
        time_axis=data is not None and data.time_axis,
    )


def _sample(args: argparse.Namespace, model: Model, console: Console) -> Dataset | None:
    if args.data is None and model.data is None and Path(args.network).suffix in FILES:
        return None
    return calibration_data(
        args.data or model.data, args.network, "--data", args.steps or model.steps, console
    )


def _model_ir(args: argparse.Namespace, console: Console) -> int:
    from neurodeploy.compiler import read_model
    from neurodeploy.frontends.model import open_model
    from neurodeploy.ir import to_text

    model = open_model(args.network, settings(args)[1])
    data = _sample(args, model, console)
    imported, steps = read_model(model, None if data is None else frames(data), args.steps)
    text = to_text(imported.graph)
    notes = [str(note) for note in imported.notes]
    console.result("inspect", text.rstrip(), {"ir": text, "steps": steps, "notes": notes})
    console.say("\n".join(f"assumed: {note}" for note in notes))
    return 0


def _ranges(need: ChipNeed, ranges: Sequence[LayerRange]) -> list[str]:
    """A line for every layer of neurons: its size, and the largest potential that any input can cause."""
    sizes = {layer.layer: layer for layer in need.layers}
    rows: list[tuple[str, ...]] = [RANGES]
    for found in ranges:
        one = sizes.get(found.layer)
        size = ("?",) * 4 if one is None else (one.neurons, one.synapses, one.weight_bits, one.cores)
        proven = "impossible" if found.proven else "possible, counted"
        rows.append((found.layer, *map(str, size), str(found.v), str(found.v_limit), proven))
    return columns(rows, right=range(1, 7))


def _text(network: Network, need: ChipNeed, ranges: Sequence[LayerRange]) -> str:
    lines = [f"{network.steps} time steps, compiled for {network.target}", "", *_ranges(need, ranges)]
    lines += ["", *fit_lines(need)]
    lines += ["", "rounded, assumed, proven:", *(f"  {note}" for note in network.notes)]
    if network.learning:
        lines += [
            "",
            f"learned: {network.learning['samples']} samples of {network.learning.get('data', 'data not named')}",
        ]
    return "\n".join(lines)


def _data(network: Network, chip: Chip, need: ChipNeed, ranges: Sequence[LayerRange]) -> dict[str, Any]:
    from neurodeploy.ir import to_text

    return {
        "steps": network.steps,
        "target": chip.id,
        "ir": to_text(network.graph),
        "fit": need.to_dict(),
        "ranges": [{**asdict(r), "proven": r.proven} for r in ranges],
        "notes": [asdict(note) for note in network.notes],
        "provenance": dict(network.provenance),
        "learning": dict(network.learning),
    }
