"""Measure accuracy at many weight widths and find the smallest mixture of them."""

from __future__ import annotations

import argparse
import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurodeploy.cli.arguments import (
    MODEL_HELP,
    add_data,
    add_reading,
    calibration_data,
    load_data,
    option_words,
    reading_words,
    require_folder,
    settings,
    with_notes,
)
from neurodeploy.cli.console import SCHEMA_VERSION, Console
from neurodeploy.command_line import command_line
from neurodeploy.errors import GateError, UsageError

if TYPE_CHECKING:
    from neurodeploy.compiler import CompileConfig
    from neurodeploy.sweep import Sweep

PLOT = "quantize.png"
TARGET = "loihi2"

EXAMPLE = "neurodeploy quantize RUN --data digits@test --bits 8,4,3 --max-drop 0.01"


def register(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    add_data(parser)
    parser.add_argument(
        "--bits", default="8,6,4,3,2", metavar="B,B", help="bits of a weight (default 8,6,4,3,2)"
    )
    parser.add_argument(
        "--max-drop",
        type=float,
        default=0.01,
        metavar="D",
        help="largest loss of accuracy against float, as a share (default 0.01, one point)",
    )
    parser.add_argument(
        "--calibrate",
        metavar="DATA",
        help="data that find the input's integers (default: what the run was trained on)",
    )
    parser.add_argument(
        "--rounding", choices=["nearest", "gptq"], help="rounding of weights (default nearest)"
    )
    parser.add_argument("--clip", choices=["max", "mse"], help="where the grid of weights ends (default max)")
    parser.add_argument("--target", default=TARGET, help=f"chip by name, or a .toml (default {TARGET})")
    parser.add_argument("--steps", metavar="T", type=int, help="time steps a sample (default: the run's)")
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="J", help="settings measured at a time (default 1)"
    )
    add_reading(parser)
    parser.add_argument(
        "--report",
        type=Path,
        metavar="DIR",
        help="write quantize.json, quantize.md and a plot; points that are there are not measured again",
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Measure, write, print; exit code 5 where no setting keeps the accuracy."""
    from neurodeploy.frontends.model import open_model
    from neurodeploy.sweep import sweep
    from neurodeploy.sweep.rendering import to_text, verdict

    bits = _bits(args.bits)
    if args.report is not None:
        require_folder("--report", str(args.report))
    config, reading = settings(args)
    model = open_model(args.model, reading)
    steps = args.steps or model.steps
    data = load_data(args.data, args.limit, steps)
    calibration = calibration_data(args.calibrate or model.data, args.model, "--calibrate", steps, console)
    found = sweep(
        model,
        data if data.spec == calibration.spec else with_notes(data, console),
        calibration,
        bits=bits,
        max_drop=args.max_drop,
        target=args.target,
        steps=args.steps,
        config=_config(config, args),
        reading=reading,
        folder=args.report,
        jobs=args.jobs,
        progress=lambda done, total: console.progress("settings", done, total),
    )
    if args.report is not None:
        _write(args.report, found, console)
    for note in found.notes:
        console.say(f"note: {note}")
    console.result("quantize", to_text(found), found.to_dict())
    if found.smallest is None:
        raise GateError(f"{verdict(found)}. Try --rounding gptq --clip mse, or a larger --max-drop")
    console.next(*_compile(args, found))
    return 0


def _bits(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"--bits must be numbers such as 8,6,4, not {text!r}") from None


def _config(config: CompileConfig, args: argparse.Namespace) -> CompileConfig:
    from msgspec.structs import replace

    given = {name: value for name in ("rounding", "clip") if (value := getattr(args, name)) is not None}
    return replace(config, quant=replace(config.quant, **given))


def _write(folder: Path, found: Sweep, console: Console) -> None:
    from neurodeploy.files import write_atomic
    from neurodeploy.sweep.rendering import to_markdown

    data: dict[str, Any] = {"schema": f"neurodeploy.quantize/{SCHEMA_VERSION}", **found.to_dict()}
    write_atomic(folder / "quantize.json", json.dumps(data, indent=1, allow_nan=False).encode())
    plotted = find_spec("matplotlib") is not None
    if plotted:
        from neurodeploy.sweep.plot import draw

        write_atomic(folder / PLOT, draw(found))
    else:
        console.say("note: no plot, as matplotlib is not installed: pip install 'neurodeploy[report]'")
    command = command_line("neurodeploy", *sys.argv[1:])
    text = to_markdown(found, command, PLOT if plotted else None)
    write_atomic(folder / "quantize.md", text.encode())
    console.say(
        f"{folder}/quantize.json, .md: {found.computed} points measured now, the others were in {folder}/points"
    )


def _compile(args: argparse.Namespace, found: Sweep) -> list[str]:
    """The command that compiles the smallest setting."""
    layers = json.dumps(found.smallest.point.bits if found.smallest else {}, separators=(",", ":"))
    given = {
        "--calibrate": args.calibrate,
        "--rounding": args.rounding,
        "--steps": args.steps,
        "--target": None if args.target == TARGET else args.target,
    }
    clip = ["--set", f"quant.clip={args.clip}"] if args.clip else []
    sets = [*reading_words(args), *clip, "--set", f"quant.layers={layers}"]
    return ["neurodeploy", "compile", args.model, *option_words(given), *sets, "-o", "NET.onnx"]
