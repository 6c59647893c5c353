"""A run on disk: `run.json`, `metrics.jsonl`, `weights.safetensors`, `optimizer.safetensors`.

A run is what its `run.json` says: that file names the sha256 of the tensors that belong to it. New tensors
are first written beside the old as `NAME.next`, then `run.json` is replaced (this commits the epoch), then
`NAME.next` becomes `NAME`. Whenever the program is killed, the tensors of the last committed epoch are
there under one of the two names. An interrupted epoch is kept the same way, in `interrupted.safetensors`: the
weights of the run stay those of its last whole epoch.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from neurodeploy.errors import InputError, NeurodeployError, UsageError
from neurodeploy.files import is_unfinished, remove_unfinished, write_atomic
from neurodeploy.models import Network, build, check_input_shape
from neurodeploy.training.analysis.run_gradients import RunGradients
from neurodeploy.training.config import TrainConfig
from neurodeploy.training.totals import Totals

WEIGHTS, OPTIMIZER, METRICS, INFO = (
    "weights.safetensors",
    "optimizer.safetensors",
    "metrics.jsonl",
    "run.json",
)
INTERRUPTED = "interrupted.safetensors"
_NEXT = tuple(f"{name}.next" for name in (WEIGHTS, OPTIMIZER, INTERRUPTED))
_WRITTEN = (METRICS, INFO, *_NEXT)
Tensors = dict[str, torch.Tensor]


class Interruption(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An epoch that was cut short after `batches` whole batches and `seconds`."""

    batches: int
    seconds: float
    totals: Totals


class RunInfo(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `run.json` holds. Accuracies are shares 0..1 on the test data, None without any.

    `input_shape` is that of one time step; `time_axis` whether the data change over time; `files` gives the
    sha256 of the tensors after `epochs_done` epochs, and of those of the epoch that was `interrupted`. `device` and
    `processes` are those of the last session. `gradients` compares those of the rule with BPTT's, where asked for.
    `start_sha256` is that of the weights that the run began with, where they are another run's.
    """

    schema: Literal["neurodeploy.run/1"] = "neurodeploy.run/1"
    model: str
    data: str
    data_sha256: str
    test_data: str | None
    input_shape: tuple[int, ...]
    time_axis: bool
    classes: int
    rule: str
    steps: int
    seed: int
    start_sha256: str | None = None
    epochs: int
    config: TrainConfig
    versions: dict[str, str]
    device: str = "cpu"
    processes: int = 1
    status: Literal["running", "done"] = "running"
    epochs_done: int = 0
    last_test_accuracy: float | None = None
    best_test_accuracy: float | None = None
    interrupted: Interruption | None = None
    gradients: RunGradients | None = None
    files: dict[str, str] = {}


class EpochMetrics(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One line of `metrics.jsonl`.

    `loss` is the mean over samples and `train_accuracy` the share right, both while learning; `firing_rates`
    are mean spikes per neuron and step by LIF layer, `spikes_per_neuron` those of a neuron in all steps of a
    sample, mean over all neurons; both in the training data.
    """

    epoch: int
    learning_rate: float
    loss: float
    train_accuracy: float
    test_accuracy: float | None
    firing_rates: dict[str, float]
    spikes_per_neuron: float
    seconds: float


def check_free(path: Path) -> None:
    """Raise `UsageError` where something is in the way of a new run.

    What a run leaves that was killed before its first commit is not.
    """
    if path.is_dir() and not (path / INFO).exists() and all(map(_is_unfinished, path.iterdir())):
        return
    if path.exists():
        raise UsageError(f"{path} exists. Choose another with -o RUN, or go on with that run: --resume")


def _is_unfinished(path: Path) -> bool:
    """True for metrics without a run, for tensors on their way, and for what a killed writer left of any file."""
    return path.name in (METRICS, *_NEXT) or any(is_unfinished(path, name) for name in _WRITTEN)


@contextmanager
def held(path: Path, begins: bool) -> Iterator[None]:
    """Keep other processes from writing a run as long as this lasts; make its folder where one `begins`.

    Files that a killed process had not finished go, and at the end a folder that is still empty. Raises `UsageError`
    where another process writes it, `InputError` where the folder cannot be made.
    """
    if path.is_dir() or (begins and not path.exists()):
        with _locked(_made(path)):
            for name in _WRITTEN:
                remove_unfinished(path / name)
            try:
                yield
            finally:
                if not any(path.iterdir()):
                    path.rmdir()
    else:
        yield


def _made(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make {path}: {error.strerror}") from None
    return path


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """The folder's lock, which the system releases when a process ends, however it ends."""
    try:
        lock = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"another process trains into {path}. Wait for it, or choose another with -o RUN"
            ) from None
        yield
    finally:
        os.close(lock)


def commit(
    path: Path, info: RunInfo, weights: Tensors, optimizer: Tensors, metrics: tuple[EpochMetrics, ...]
) -> RunInfo:
    """Write one epoch's state; returns `info` with the digests of the files."""
    write_atomic(path / METRICS, b"".join(msgspec.json.encode(line) + b"\n" for line in metrics))
    contents = {WEIGHTS: save_tensors(weights), OPTIMIZER: save_tensors(optimizer)}
    info = _write(path, msgspec.structs.replace(info, interrupted=None, files={}), contents)
    for name in (INTERRUPTED, f"{INTERRUPTED}.next"):
        (path / name).unlink(missing_ok=True)
    return info


def commit_interrupted(
    path: Path, info: RunInfo, weights: Tensors, optimizer: Tensors, found: Interruption
) -> RunInfo:
    """Write the state of an epoch cut short, beside that of the last whole one."""
    tensors = {f"weights/{name}": tensor for name, tensor in weights.items()}
    tensors |= {f"optimizer/{name}": tensor for name, tensor in optimizer.items()}
    info = msgspec.structs.replace(info, interrupted=found)
    return _write(path, info, {INTERRUPTED: save_tensors(tensors)})


def note_gradients(path: Path, info: RunInfo, found: RunGradients) -> RunInfo:
    """Add a comparison of gradients to `run.json`."""
    return _write(path, msgspec.structs.replace(info, gradients=found), {})


def _write(path: Path, info: RunInfo, contents: dict[str, bytes]) -> RunInfo:
    """Write files and then what is said of them; `info` with their digests."""
    for name, content in contents.items():
        write_atomic(path / f"{name}.next", content)
    files = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    info = msgspec.structs.replace(info, files={**info.files, **files})
    write_atomic(path / INFO, msgspec.json.format(msgspec.json.encode(info), indent=2) + b"\n")
    for name in contents:
        (path / f"{name}.next").replace(path / name)
    return info


def settle(path: Path, info: RunInfo) -> None:
    """Finish what a kill cut short: `NAME.next` becomes `NAME` if it was committed, else it goes."""
    for name, digest in info.files.items():
        left = path / f"{name}.next"
        if left.is_file():
            if hashlib.sha256(left.read_bytes()).hexdigest() == digest:
                left.replace(path / name)
            else:
                left.unlink()


def read_info(path: Path) -> RunInfo:
    """The checked contents of `run.json`; `InputError` where there is none or it is damaged."""
    try:
        return msgspec.json.decode((path / INFO).read_bytes(), type=RunInfo)
    except OSError as error:
        raise InputError(f"{path} is no run folder: {INFO}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path / INFO} is damaged or of another version: {error}") from None


def read_tensors(path: Path, info: RunInfo, name: str) -> Tensors:
    """The committed tensors of one file; `InputError` where they are missing or not those of `run.json`."""
    wanted = info.files.get(name, "")
    for candidate in (path / name, path / f"{name}.next"):
        content = candidate.read_bytes() if candidate.is_file() else b""
        if hashlib.sha256(content).hexdigest() == wanted:
            try:
                return load_tensors(content)
            except SafetensorError as error:
                reason = " ".join(str(error).split())
                raise InputError(f"{candidate} is not a safetensors file: {reason}") from None
    raise InputError(f"{path / name} is missing or damaged: no content with sha256 {wanted[:12]}... is there")


def read_interrupted(path: Path, info: RunInfo) -> tuple[Tensors, Tensors]:
    """The weights and the optimizer's state of the epoch that was cut short."""
    tensors = read_tensors(path, info, INTERRUPTED)

    def part(kind: str) -> Tensors:
        return {name.removeprefix(kind): t for name, t in tensors.items() if name.startswith(kind)}

    return part("weights/"), part("optimizer/")


def read_metrics(path: Path, info: RunInfo) -> tuple[EpochMetrics, ...]:
    """The lines of the committed epochs; `InputError` where one is missing or damaged."""
    try:
        lines = (path / METRICS).read_bytes().splitlines()[: info.epochs_done]
        metrics = tuple(msgspec.json.decode(line, type=EpochMetrics) for line in lines)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path / METRICS} is missing or damaged: {error}") from None
    if len(metrics) != info.epochs_done:
        raise InputError(f"{path / METRICS} has {len(metrics)} epochs, but {INFO} says {info.epochs_done}")
    return metrics


def load_run(path: Path | str) -> tuple[Network, RunInfo]:
    """The network of a run, as of its last committed epoch, and what is known of it.

    Raises `InputError` where the folder is missing or damaged, or holds other tensors than its model has.
    """
    path = Path(path)
    info = read_info(path)
    weights = read_tensors(path, info, WEIGHTS)
    try:
        model = build(info.model, device="meta")
        check_input_shape(model, info.input_shape)
    except NeurodeployError as error:
        raise InputError(f"{path / INFO}: {' '.join(str(error).split())}") from None
    expected = {name: (tensor.shape, tensor.dtype) for name, tensor in model.state_dict().items()}
    if expected != {name: (tensor.shape, tensor.dtype) for name, tensor in weights.items()}:
        raise InputError(f"{path / WEIGHTS} does not hold the parameters of {info.model}")
    broken = [name for name, tensor in weights.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise InputError(f"{path / WEIGHTS}: {broken[0]} holds NaN or infinite values. Train again")
    model.load_state_dict(weights, assign=True)
    return model, info
