"""The verbs that write, as jobs that can be killed: what they need, what they leave, and when that is whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from neurodeploy.artifact import load, save
from neurodeploy.artifact.file import to_bytes
from tests.frontends.netx.files import dense, write_net
from tests.frontends.nir.files import affine, lif
from tests.frontends.nir.files import chain as write_chain
from tests.nets import chain

STEPS = 4
INFO = "run.json"


@dataclass(frozen=True, slots=True)
class Job:
    """One verb in a folder.

    `prepare` puts there what it needs, and an older output where the verb may replace one; `command` are its
    arguments; `whole` says what is wrong with what a kill left, None where nothing is; `again` are the arguments
    that finish the work; `result` is what must be the same as without a kill.
    """

    prepare: Callable[[Path], None]
    command: Callable[[Path], list[str]]
    whole: Callable[[Path], str | None]
    again: Callable[[Path], list[str]]
    result: Callable[[Path], object]


def _data(folder: Path) -> Path:
    """60 samples of 64 values, with labels."""
    path = folder / "data.npz"
    draw = np.random.default_rng(0)
    np.savez(path, x=draw.integers(0, 17, (60, 64)) / 16, y=draw.integers(0, 10, 60))
    return path


def _old(path: Path) -> None:
    save(chain((3, 2)), path)


OLD = to_bytes(chain((3, 2)))


def _artifact_whole(folder: Path) -> str | None:
    """The old artefact as it was, or the new one."""
    content = (folder / "out.onnx").read_bytes()
    return None if content == OLD or load(folder / "out.onnx").graph != chain((3, 2)).graph else "changed"


def _prepare_compile(folder: Path) -> None:
    weights = np.random.default_rng(0).integers(-60, 60, (64, 64))
    write_net(folder / "m.net", *(dense(weights) for _ in range(6)), simulation={"tSample": 8, "Ts": 1})
    _old(folder / "out.onnx")


def _compile(folder: Path) -> list[str]:
    return [
        "compile",
        str(folder / "m.net"),
        "--set",
        "netx.input=binary",
        "-q",
        "-o",
        str(folder / "out.onnx"),
    ]


def _prepare_learn(folder: Path) -> None:
    save(chain((64, 32, 10), steps=STEPS), folder / "net.onnx")
    _data(folder)
    _old(folder / "out.onnx")


def _learn(folder: Path) -> list[str]:
    net, data = str(folder / "net.onnx"), str(folder / "data.npz")
    return ["learn", net, "--data", data, "-q", "-o", str(folder / "out.onnx")]


def _learned(folder: Path) -> object:
    network = load(folder / "out.onnx")
    return network.graph


def _prepare_train(folder: Path) -> None:
    """Nothing but the imports of the verb, which would else take most of the time of each."""
    import_module("neurodeploy.training")


def _train(folder: Path) -> list[str]:
    options = ["--rule", "ottt-a", "--steps", "2", "--epochs", "4", "--batch-size", "20", "-q"]
    return [
        "train",
        "--model",
        "mlp:64-8-10",
        "--data",
        str(_data(folder)),
        *options,
        "-o",
        str(folder / "run"),
    ]


def _train_again(folder: Path) -> list[str]:
    begun = (folder / "run" / INFO).is_file()
    return [*_train(folder), *(["--resume"] if begun else [])]


def _run_whole(folder: Path) -> str | None:
    """A run of as many epochs as it says, or none yet."""
    run = folder / "run"
    if not (run / INFO).is_file():
        return None
    from neurodeploy.training import load_run, run_folder  # imports torch, which the other verbs do without

    _, info = load_run(run)
    lines = run_folder.read_metrics(run, info)
    run_folder.read_tensors(run, info, run_folder.OPTIMIZER)
    return None if len(lines) == info.epochs_done else "another number of epochs"


def _trained(folder: Path) -> object:
    run = folder / "run"
    left = sorted(path.name for path in run.iterdir())
    tensors = [(run / name).read_bytes() for name in ("weights.safetensors", "optimizer.safetensors")]
    return (
        left,
        tensors,
        [_but_seconds(line) for line in (run / "metrics.jsonl").read_bytes().splitlines()],
    )


def _prepare_quantize(folder: Path) -> None:
    weights = np.random.default_rng(0).normal(size=(10, 64)).astype(np.float32)
    write_chain(folder / "m.nir", (64,), (10,), fc=affine(weights), lif=lif(10))
    _data(folder)


def _quantize(folder: Path) -> list[str]:
    data = str(folder / "data.npz")
    said = "dt=1.0 reset=zero reset_timing=same integration=euler comparison=gt spikes=one clamp=none current_order=new"
    sets = [word for pair in said.split() for word in ("--set", f"nir.{pair}")]
    options = ["--calibrate", data, "--steps", str(STEPS), "--bits", "8,6,4", "--max-drop", "0.99", "-q"]
    return [
        "quantize",
        str(folder / "m.nir"),
        "--data",
        data,
        *sets,
        *options,
        "--report",
        str(folder / "report"),
    ]


def _report_whole(folder: Path) -> str | None:
    """Every JSON file can be read to its end."""
    for path in (folder / "report").rglob("*.json"):
        json.loads(path.read_bytes())
    return None


def _swept(folder: Path) -> object:
    found = json.loads((folder / "report" / "quantize.json").read_bytes())
    return sorted(p.name for p in (folder / "report" / "points").glob("*.json")), _but_seconds(
        json.dumps(found)
    )


def _but_seconds(text: str | bytes) -> Any:
    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: strip(v) for k, v in value.items() if k not in ("seconds", "computed")}
        return [strip(v) for v in value] if isinstance(value, list) else value

    return strip(json.loads(text))


JOBS = {
    "compile": Job(_prepare_compile, _compile, _artifact_whole, _compile, _learned),
    "learn": Job(_prepare_learn, _learn, _artifact_whole, _learn, _learned),
    "quantize": Job(_prepare_quantize, _quantize, _report_whole, _quantize, _swept),
    "train": Job(_prepare_train, _train, _run_whole, _train_again, _trained),
}


def fresh(job: Job, folder: Path) -> None:
    """An empty folder with what the job needs."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    job.prepare(folder)
