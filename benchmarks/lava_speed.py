"""What a Lava run costs: milliseconds per time step, samples per second, seconds to start.

    python benchmarks/lava_speed.py [RUN ...]

Each RUN is a folder that `neurodeploy train` made. Where lava-dl is installed (its unpacked folder on PYTHONPATH is
enough), its netx takes its turn on the networks that it knows: the same weights and input, in a process of its own.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from neurodeploy.exporter import export
from neurodeploy.ir import Flatten, Graph, IntConv, IntDense, IntInput, IntLIF, Op, Output, TensorType
from neurodeploy.learning import default_rule
from neurodeploy.network import Network, Stimulus
from neurodeploy.targets.engine.target import ENGINE
from neurodeploy.targets.lava.target import BATCH, BATCHED, LAVA

STEPS, REPEATS, SAMPLES = 16, 3, 32
NETX = ("784-512-10", "28x28: 16C5, 32C3, 10")
"""Networks that netx runs too."""


def network(shape: tuple[int, ...], *layers: int | IntConv, steps: int = STEPS) -> Network:
    """Layers of neurons behind convolutions and, by number of neurons, dense synapses with random int8 weights."""
    rng = np.random.default_rng(0)
    ops: dict[str, Op] = {"x": IntInput(shape, 1.0, 0, 1)}
    for i, layer in enumerate(layers):
        if isinstance(layer, int):
            if len(shape) > 1:
                ops["flat"], shape = Flatten(), (int(np.prod(shape)),)
            weights = np.clip(np.rint(rng.normal(0, 25, (layer, *shape))), -127, 127)
            ops[f"fc{i}"], shape = IntDense(weights, 0), (layer,)
        else:
            ops[f"conv{i}"], shape = layer, layer.result((TensorType(shape, "spike"),)).shape
        ops[f"lif{i}"] = IntLIF(shape, 4096, 123, 0, 200 * 64, "zero", "gt")
    ops["out"] = Output()
    return Network(Graph(ops, itertools.pairwise(ops)), steps, "loihi2")


def conv(out: int, inputs: int, kernel: int, stride: int = 1) -> IntConv:
    """Random int8 weights."""
    weights = np.random.default_rng(out).integers(-40, 41, (out, inputs, kernel, kernel))
    return IntConv(weights, 0, (stride, stride), (0, 0, 0, 0), (1, 1))


def pool(channels: int) -> IntConv:
    """Sum of 2 x 2, which spikes."""
    return IntConv(np.full((channels, 1, 2, 2), 100), 0, (2, 2), (0, 0, 0, 0), (1, 1), channels)


def networks(runs: list[str]) -> Iterator[tuple[str, Network]]:
    """Those of the table."""
    yield "784-256-10", network((784,), 256, 10)
    yield "784-512-10", network((784,), 512, 10)
    yield "28x28: 16C5, 32C3, 10", network((1, 28, 28), conv(16, 1, 5), conv(32, 16, 3, 2), 10)
    layers = (conv(15, 1, 5), pool(15), conv(40, 15, 5), pool(40), 300, 10)
    yield "15C5-P2-40C5-P2-300-10", network((1, 28, 28), *layers)
    for run in runs:
        from neurodeploy.compiler import compile

        yield run, compile(run, np.random.default_rng(0).random((64, 28, 28)))


def pixels(made: Network, samples: int) -> np.ndarray:
    """One in ten inputs at their largest."""
    x = np.random.default_rng(0).random((samples, *made.input.shape)) < 0.1
    return x * np.int64(made.input.high)


def measure(name: str, made: Network) -> dict[str, float]:
    """The best of some runs, both modes; samples per second by back end."""
    speeds = {}
    for backend, samples, batch in ((LAVA, SAMPLES, 1), (BATCHED, 8 * BATCH, BATCH)):
        x = pixels(made, samples)
        walls, seconds = [], []
        for _ in range(REPEATS):
            start = perf_counter()
            seconds.append(backend.run(made, Stimulus(x, made.steps, True)).seconds)
            walls.append(perf_counter() - start - seconds[-1])
        best = min(seconds)
        speeds[backend.name] = samples / best
        per_step = 1e3 * best * batch / (samples * made.steps)
        print(
            f"{name}, {backend.name}: {per_step:.2f} ms a step, {samples / best:.0f} samples/s of {made.steps} steps, "
            f"start {min(walls):.2f} s"
        )
    sys.stdout.flush()
    return speeds


def netx(name: str, made: Network, ours: dict[str, float]) -> None:
    """netx on the same network and input, its output spikes compared with the engine's."""
    x = pixels(made, SAMPLES)
    expected = ENGINE.run(made, Stimulus(x, made.steps, True)).spikes.sum(axis=0)
    with TemporaryDirectory() as folder:
        file, given = Path(folder) / "net.net", Path(folder) / "x.npy"
        export(made, "netx", file)
        np.save(given, x)
        script = Path(__file__).with_name("lava_netx.py")
        command = [sys.executable, str(script), str(file), str(given), str(made.steps)]
        walls, seconds = [], []
        for _ in range(REPEATS):
            start = perf_counter()
            done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
            found = json.loads(done.stdout.splitlines()[-1])
            walls.append(perf_counter() - start - found["seconds"])
            seconds.append(found["seconds"])
    best = min(seconds)
    same = "the engine's spikes" if found["counts"] == expected.tolist() else "OTHER SPIKES"
    print(
        f"{name}, netx: {1e3 * best / (SAMPLES * made.steps):.2f} ms a step, {SAMPLES / best:.0f} samples/s, "
        f"start {min(walls):.2f} s, {same}; "
        + ", ".join(
            f"{backend} is {speed * best / SAMPLES:.1f} times as fast" for backend, speed in ours.items()
        ),
        flush=True,
    )


def without_netx() -> str | None:
    """Why netx takes no part, None where it does."""
    try:
        version("lava-dl")
    except PackageNotFoundError:
        return "netx is left out: lava-dl is not installed"
    return None


def learning() -> None:
    """The last layer learns, one sample after the other."""
    samples, made = 200, network((64,), 128, 10, steps=8)
    rng = np.random.default_rng(0)
    rule = default_rule(made, "step", slower=5)
    stimulus = Stimulus((rng.random((samples, 64)) < 0.25).astype(np.int64), made.steps, True)
    learned = LAVA.learn(made, rule, stimulus, rng.integers(0, 10, samples))
    per_step = 1e3 * learned.seconds / (samples * made.steps)
    print(f"64-128-10, the last layer learns: {per_step:.2f} ms a step")


def main() -> None:
    """Measure all."""
    if missing := without_netx():
        print(missing)
    for name, made in networks(sys.argv[1:]):
        ours = measure(name, made)
        if name in NETX and not missing:
            netx(name, made, ours)
    learning()


if __name__ == "__main__":
    main()
