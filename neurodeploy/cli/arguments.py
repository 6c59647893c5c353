"""Arguments that several verbs share, and what they stand for."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from neurodeploy.cli.console import Console
from neurodeploy.command_line import command_line
from neurodeploy.errors import InputError, UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from neurodeploy.compiler import CompileConfig
    from neurodeploy.data import Dataset
    from neurodeploy.frontends.model import Reading
    from neurodeploy.ir import Shape
    from neurodeploy.network import Network, Stimulus

CALIBRATION_SAMPLES = 1000
OWN_OPTION = {"quant.bits": "bits", "quant.rounding": "rounding", "quant.clip": "clip"}
"""Settings that a verb may take as an option of its own, too."""
MANY = 0.05
"""Share of clipped input values above which the scale of the data is doubtful."""
MODEL_HELP = "a run folder, a .nir, .net or ANN .onnx file, zoo:NAME, or package.module:callable"


def add_data(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """--data and --limit."""
    parser.add_argument(
        "--data",
        metavar="DATA",
        required=required,
        help="NAME[:FOLDER][@train|@test], see `neurodeploy data`, or a path ending in .npz",
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

    pairs: dict[str, str] = {}
    for item in args.set:
        path, equals, value = item.partition("=")
        if not equals or path.count(".") != 1:
            raise UsageError(f"--set must be A.B=C, such as quant.bits=6, not {item!r}")
        if path in pairs:
            raise UsageError(f"--set {path} is given twice, as {pairs[path]} and as {value}")
        if path in OWN_OPTION and getattr(args, OWN_OPTION[path], None) is not None:
            raise UsageError(f"--{OWN_OPTION[path]} says the same: leave out --set {path}")
        pairs[path] = value
    config, sections = parse_settings(pairs)
    return config, Reading(args.preset, sections)


def reading_words(args: argparse.Namespace) -> list[str]:
    """--from and --set as they were given, for a command that reads the same model."""
    preset = [] if args.preset is None else ["--from", args.preset]
    return [*preset, *(word for item in args.set for word in ("--set", item))]


def option_words(given: Mapping[str, object]) -> list[str]:
    """Options and their values as words of a command line, without those that are None."""
    return [word for name, value in given.items() if value is not None for word in (name, str(value))]


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


def load_artifact(name: str) -> Network:
    """The artefact of a verb that takes integers; `UsageError` with the command that makes one for anything else."""
    from neurodeploy.artifact import load

    if not has_artifact(name):
        made = command_line("neurodeploy", "compile", name, "-o", "NET.onnx")
        raise UsageError(
            f"{name} is not an .onnx artefact; `{made}` makes one of a MODEL, "
            "which `run --backend float` takes as it is"
        )
    return load(name)


def load_data(spec: str, limit: int | None, steps: int | None = None, shape: Shape | None = None) -> Dataset:
    """The data set of --data, cut to --limit.

    An .npz that does not say whether it has a time axis is static where its samples have the network's input
    `shape`, and has one where its second axis equals `steps`.
    """
    from neurodeploy.data import load
    from neurodeploy.data.spec import is_npz
    from neurodeploy.ir.types import is_given_as

    data = load(spec, None if is_npz(spec) else steps)
    if is_npz(spec) and not data.time_axis and not (shape and is_given_as(shape, data.shape)):
        data = load(spec, steps)
    return data if limit is None else data.limit(limit)


def stimulus(network: Network, data: Dataset, console: Console) -> Stimulus:
    """Integer input from a data set; says how many values were clipped."""
    try:
        made = network.stimulus(data.time_first, time_axis=data.time_axis)
    except InputError as error:
        raise InputError(f"{data.spec}: {error}") from None
    if made.clipped:
        many = "; are they scaled as in the training?" if made.clipped > MANY * data.x.size else ""
        console.error(
            f"note: {made.clipped} of {data.x.size} input values lie outside the input's range "
            f"{network.input.low / network.input.levels:.6g}..{network.input.high / network.input.levels:.6g} "
            f"and were clipped{many}"
        )
    return made


def with_notes(data: Dataset, console: Console) -> Dataset:
    """The same data; says what was assumed of them."""
    for assumed in data.assumed:
        console.error(f"note: {assumed}")
    return data


def calibration_data(
    spec: str | None, model: str, option: str, steps: int | None, console: Console
) -> Dataset:
    """Up to 1000 samples of the data that a model takes; `option` is what to give where it does not say."""
    if spec is None:
        raise UsageError(f"{model} does not say what data it takes; give {option} DATA")
    return with_notes(load_data(spec, CALIBRATION_SAMPLES, steps), console)


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


def require_writable(path: str, suffix: str = "", inputs: Iterable[str | None] = ()) -> None:
    """Fail before the work, not after it, where an output cannot be written, is named wrongly, or is an input."""
    if path == "-":
        return
    folder = Path(path).parent
    if not folder.is_dir():
        raise UsageError(f"cannot write {path}: there is no folder {folder}")
    if Path(path).is_dir():
        raise UsageError(f"cannot write {path}: it is a folder; name a file in it")
    if Path(path).is_char_device():
        return
    if not path.endswith(suffix):
        raise UsageError(f"cannot write {path}: its name must end in {suffix}; try {path}{suffix}")
    if any(os.path.realpath(path) == os.path.realpath(given) for given in inputs if given is not None):
        raise UsageError(f"cannot write {path}: it is read or written here already; name another file")


def require_file(option: str, path: str, inputs: Iterable[str | None] = ()) -> None:
    """`require_writable` for an option that has no '-' for stdout."""
    if path == "-":
        raise UsageError(f"{option} writes a file, not stdout: name one")
    require_writable(path, inputs=inputs)


def require_folder(option: str, path: str) -> None:
    """Fail before the work where a folder of several files is to be written in place of a file, or to stdout."""
    if path == "-" or (Path(path).exists() and not Path(path).is_dir()):
        raise UsageError(f"{option} must be a folder for several files, not {path!r}")
