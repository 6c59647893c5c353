"""Show what every rounding cost: float against integer, layer by layer and stage by stage."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurodeploy.cli.arguments import (
    MODEL_HELP,
    add_data,
    add_reading,
    load_artifact,
    load_data,
    reading_words,
    settings,
)
from neurodeploy.cli.columns import columns
from neurodeploy.cli.console import Console
from neurodeploy.command_line import command_line
from neurodeploy.errors import MismatchError, UsageError

if TYPE_CHECKING:
    from neurodeploy.compare.diff import Diff, LayerLoss
    from neurodeploy.compare.layers import Divergence
    from neurodeploy.frontends.model import Reading
    from neurodeploy.network import Network

COLUMNS = (
    "layer", "stage", "own SQNR", "SQNR", "cosine", "mismatch", "rate", "rate EMD", "first different spike",
)  # fmt: skip
MISSING = "-"

EXAMPLE = "neurodeploy diff RUN NET.onnx --data digits@test"


def register(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    parser.add_argument("network", metavar="NET.onnx", help="the artefact that was compiled from it")
    add_data(parser)
    parser.add_argument(
        "--backends", default="", metavar="A,B", help="back ends that must equal the integer engine"
    )
    add_reading(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Print the tables and the worst layer; exit code 5 where a back end differs."""
    from neurodeploy.compare import diff
    from neurodeploy.data import check_labels
    from neurodeploy.frontends.model import open_model

    model = open_model(args.model, _reading(args))
    network = load_artifact(args.network)
    data = load_data(args.data, args.limit, network.steps, network.input.shape)
    labels = None if data.y is None else check_labels(data, network.graph.types[network.graph.output].size)
    found = diff(
        model,
        network,
        data.time_first,
        labels,
        backends=tuple(name for name in args.backends.split(",") if name),
        time_axis=data.time_axis,
        progress=lambda done, total: console.progress("diff", done, total, "samples"),
    )
    following = _following(args, network, found)
    console.result(
        "diff",
        "\n".join([*_stages(found), "", *_layers(found), "", _last(found, following)]),
        {
            "model": args.model,
            "network": args.network,
            "data": data.spec,
            **found.to_dict(),
            "next": following,
        },
    )
    if not found.equal:
        raise MismatchError("; ".join(str(m) for m in found.mismatches))
    return 0


def _reading(args: argparse.Namespace) -> Reading:
    from neurodeploy.compiler import CompileConfig

    config, reading = settings(args)
    if config != CompileConfig():
        raise UsageError("--set says here how MODEL is read; how NET.onnx was compiled is fixed in it")
    return reading


def _stages(found: Diff) -> list[str]:
    rows = [("stage", "accuracy", "changed", "what it adds")]
    for one in found.stages:
        accuracy = MISSING if one.accuracy is None else f"{100 * one.accuracy:.2f} %"
        rows.append((one.name, accuracy, str(one.changed_predictions), one.what))
    head = (
        f"{found.samples} samples of {found.steps} steps; changed: predictions that are not the float model's"
    )
    return [head, "", *columns(rows)]


def _layers(found: Diff) -> list[str]:
    rows = [COLUMNS, *(_row(one) for one in found.layers)]
    heads = "SQNR in dB of the potential: own for this stage in this layer alone, else since the float model"
    return [heads, "", *columns(rows)]


def _row(one: LayerLoss) -> tuple[str, ...]:
    c = one.compared
    return (
        one.layer,
        one.stage,
        _decibel(one.own_sqnr_db),
        _decibel(one.sqnr_db),
        MISSING if c.cosine is None else f"{c.cosine:.5f}",
        MISSING if c.mismatch_percent is None else f"{c.mismatch_percent:.3f} %",
        MISSING if c.rate is None else f"{c.rate:.4f}",
        MISSING if c.rate_emd is None else f"{c.rate_emd:.4f}",
        MISSING if c.mismatch_percent is None else _first(c.first),
    )


def _decibel(value: float) -> str:
    return "exact" if value == float("inf") else f"{value:.1f}"


def _first(first: Divergence | None) -> str:
    if first is None:
        return "none"
    return (
        f"step {first.step}, sample {first.sample}, neuron {first.neuron}: {first.float_spike} at "
        f"{first.float_potential:.6g} -> {first.spike} at {first.potential:.6g}"
    )


def _last(found: Diff, following: str) -> str:
    worst = found.worst
    if worst.own_sqnr_db == float("inf"):
        return f"nothing was lost. next: {following}"
    spikes = worst.compared.mismatch_percent
    mismatch = "" if spikes is None else f", {spikes:.3f} % of its spikes differ"
    return (
        f"worst: layer '{worst.layer}' at stage '{worst.stage}', own SQNR {worst.own_sqnr_db:.1f} dB{mismatch}: "
        f"{found.advice.why}. next: {following}"
    )


def _following(args: argparse.Namespace, network: Network, found: Diff) -> str:
    """The command that follows: one that compiles again with what is advised, or a report."""
    advice, exact = found.advice, found.worst.own_sqnr_db == float("inf")
    if exact or not (advice.settings or advice.check_passes):
        return command_line("neurodeploy", "report", args.network, "--data", args.data, "-o", "REPORT")
    words = ["neurodeploy", "compile", args.model, *reading_words(args), *_calibration(network)]
    words += ["--target", network.target] if network.target != "loihi2" else []
    for path, value in (_changed(network) | dict(advice.settings)).items():
        words += _option(path, value)
    words += ["--check-passes"] if advice.check_passes else []
    artefact = Path(args.network.removeprefix("zoo:"))
    return command_line(*words, "-o", artefact.with_name(f"{artefact.stem}-next.onnx"))


def _calibration(network: Network) -> list[str]:
    given = network.provenance.get("calibration", {}).get("data")
    return (
        ["--steps", str(network.steps)]
        if given is None
        else ["--calibrate", given, "--steps", str(network.steps)]
    )


def _changed(network: Network) -> dict[str, Any]:
    """Settings of the compiler, by path, that are not the defaults."""
    import msgspec

    from neurodeploy.compiler import CompileConfig

    defaults = msgspec.to_builtins(CompileConfig())
    config: Mapping[str, Mapping[str, Any]] = network.provenance.get("config", {})
    return {
        f"{section}.{key}": value
        for section, values in config.items()
        for key, value in values.items()
        if value != defaults.get(section, {}).get(key)
    }


def _option(path: str, value: Any) -> list[str]:
    if path == "quant.bits":
        return ["--bits", str(value)]
    if path == "quant.rounding":
        return ["--rounding", value]
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return ["--set", f"{path}={text}"]
