"""Arguments that several verbs share, and what they stand for."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from neurodeploy.cli.console import Console
from neurodeploy.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from neurodeploy.compiler import CompileConfig
    from neurodeploy.data import Dataset
    from neurodeploy.frontends.model import Reading
    from neurodeploy.ir import Shape
    from neurodeploy.network import Network, Stimulus

CALIBRATION_SAMPLES = 1000
MODEL_HELP = "a run folder, a .nir, .net or ANN .onnx file, zoo:NAME, or package.module:callable"


def add_data(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """--data and --limit."""
    parser.add_argument(
        "--data",
        metavar="DATA",
        required=required,
        help="NAME[:FOLDER][@train|@test] or a path ending in .npz",
    )
    parser.add_argument("--limit", metavar="N", type=int, help="use the first N samples only")


def add_reading(parser: argparse.ArgumentParser) -> None:
    """--from and --set: what a MODEL leaves open."""
    parser.add_argument(
        "--from",
        dest="preset",
        metavar="PRESET",
        help="framework that wrote a .nir file, such as snntorch, spikingjelly, norse, sinabs",
    )
    parser.add_argument(
        "--set",
        metavar="A.B=C",
        action="append",
        default=[],
        help="set one option, as quant.bits=6 or nir.dt=1e-4",
    )


def settings(args: argparse.Namespace) -> tuple[CompileConfig, Reading]:
    """What --from and --set say: for the compiler, and for the front end that reads the model."""
    from neurodeploy.compiler import parse_settings
    from neurodeploy.frontends.model import Reading

    pairs = {}
    for item in args.set:
        path, equals, value = item.partition("=")
        if not equals or path.count(".") != 1:
            raise UsageError(f"--set must be A.B=C, such as quant.bits=6, not {item!r}")
        pairs[path] = value
    config, sections = parse_settings(pairs)
    return config, Reading(args.preset, sections)


def reading_words(args: argparse.Namespace) -> list[str]:
    """--from and --set as they were given, for a command that reads the same model."""
    preset = [] if args.preset is None else ["--from", args.preset]
    return [*preset, *(word for item in args.set for word in ("--set", item))]


def is_artifact(path: str) -> bool:
    """True for an artefact of `neurodeploy compile`, or a damaged file; an ANN that is ONNX as well is none."""
    if Path(path).suffix != ".onnx":
        return False
    from neurodeploy.artifact import is_foreign

    return not is_foreign(Path(path))


def has_artifact(name: str) -> bool:
    """True for an artefact, and for `zoo:NAME`, which stands for one wherever a verb takes integers."""
    from neurodeploy.zoo import is_zoo

    return is_zoo(name) or is_artifact(name)


def load_data(spec: str, limit: int | None, steps: int | None = None, shape: Shape | None = None) -> Dataset:
    """The data set of --data, cut to --limit.

    An .npz that does not say whether it has a time axis is static where its samples have the network's input
    `shape`, and has one where its second axis equals `steps`.
    """
    from neurodeploy.data import load
    from neurodeploy.data.spec import is_npz

    data = load(spec, None if is_npz(spec) else steps)
    if is_npz(spec) and not data.time_axis and data.shape != shape:
        data = load(spec, steps)
    return data if limit is None else data.limit(limit)


def stimulus(network: Network, data: Dataset, console: Console) -> Stimulus:
    """Integer input from a data set; says how many values were clipped."""
    made = network.stimulus(data.time_first, time_axis=data.time_axis)
    if made.clipped:
        console.error(
            f"note: {made.clipped} of {data.x.size} input values lie outside the input's range "
            f"{network.input.low / network.input.levels:.6g}..{network.input.high / network.input.levels:.6g} "
            "and were clipped"
        )
    return made


def calibration_data(spec: str | None, model: str, option: str, steps: int | None) -> Dataset:
    """Up to 1000 samples of the data that a model takes; `option` is what to give where it does not say."""
    if spec is None:
        raise UsageError(f"{model} does not say what data it takes; give {option} DATA")
    return load_data(spec, CALIBRATION_SAMPLES, steps)


def frames(data: Dataset) -> npt.NDArray[np.float32]:
    """Single time steps, `(N, *shape)`: every step of every sample, for calibration."""
    return data.x.reshape(-1, *data.shape)


def write_output(path: str, content: bytes) -> None:
    """Write to a file atomically, or to stdout for '-'."""
    from neurodeploy.files import write_atomic

    if path == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        write_atomic(Path(path), content)


def require_writable(path: str) -> None:
    """Fail before the work, not after it, where the folder of an output is missing."""
    folder = Path(path).parent
    if path != "-" and not folder.is_dir():
        raise UsageError(f"cannot write {path}: there is no folder {folder}")
    if Path(path).is_dir():
        raise UsageError(f"cannot write {path}: it is a folder; name a file in it")
