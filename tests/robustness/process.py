"""The command line in a process of its own, and files for it to work on."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurodeploy.artifact import save
from tests.frontends.netx.files import dense, write_net
from tests.nets import chain

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended."""

    code: int
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    """One thread, unless said otherwise; the modules of the tests can be imported."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **more}


def neurodeploy(*arguments: object, **more: str) -> Ended:
    """Run a verb to its end; `more` are variables of its environment."""
    command = [sys.executable, "-m", "neurodeploy", *map(str, arguments)]
    done = subprocess.run(
        command,
        env=environment(**more),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)


def net_file(folder: Path) -> Path:
    """A chain of layers of 64 neurons, and 10 at the end, as lava-dl writes it."""
    draw = np.random.default_rng(0)
    layers = [dense(draw.integers(-60, 60, (size, 64))) for size in (64, 64, 64, 10)]
    return write_net(folder / "m.net", *layers, simulation={"tSample": 8, "Ts": 1})


def artifact_file(folder: Path) -> Path:
    """A compiled chain of 64, 128 and 10 neurons with a readout."""
    path = folder / "net.onnx"
    save(chain((64, 128, 10)), path)
    return path


def data_file(folder: Path, samples: int = 40) -> Path:
    """Labelled samples of 64 values."""
    draw = np.random.default_rng(0)
    np.savez(folder / "data.npz", x=draw.integers(0, 17, (samples, 64)) / 16, y=draw.integers(0, 10, samples))
    return folder / "data.npz"


COMPILE = ("--set", "netx.input=binary", "-q", "-o")
