"""What a Lava run costs: milliseconds per time step, samples per second, seconds to start.

    python benchmarks/lava.py [RUN ...]

Each RUN is a folder that `neurodeploy train` made. `netx` are the figures of lava-dl 0.6.0 for the same layers, sample
by sample, from another run on a machine of the same kind.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from time import perf_counter

import numpy as np

from neurodeploy.ir import Flatten, Graph, IntConv, IntDense, IntInput, IntLIF, Op, Output, TensorType
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import ThreeFactorRule
from neurodeploy.targets.lava.target import BATCH, BATCHED, LAVA

STEPS, REPEATS = 16, 3
NETX = {
    "784-512-10": "0.91 ms a step, 69 samples/s, start 3.4 s",
    "28x28: 16C5, 32C3, 10": "6.7 ms a step, 9.3 samples/s, start 3.3 s",
}


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


def measure(name: str, made: Network) -> None:
    """The best of some runs on one in ten inputs, both modes."""
    rng = np.random.default_rng(0)
    for backend, samples, batch in ((LAVA, 32, 1), (BATCHED, 8 * BATCH, BATCH)):
        x = (rng.random((samples, *made.input.shape)) < 0.1) * np.int64(made.input.high)
        walls, seconds = [], []
        for _ in range(REPEATS):
            start = perf_counter()
            seconds.append(backend.run(made, Stimulus(x, made.steps, True)).seconds)
            walls.append(perf_counter() - start - seconds[-1])
        best = min(seconds)
        per_step = 1e3 * best * batch / (samples * made.steps)
        print(
            f"{name}, {backend.name}: {per_step:.2f} ms a step, {samples / best:.0f} samples/s of {made.steps} steps, "
            f"start {min(walls):.2f} s"
        )
    if name in NETX:
        print(f"{name}, netx: {NETX[name]}")
    sys.stdout.flush()


def learning() -> None:
    """The last layer learns, one sample after the other."""
    samples, made = 200, network((64,), 128, 10, steps=8)
    rng = np.random.default_rng(0)
    rule = ThreeFactorRule(
        trace_decay=2048,
        impulse=32,
        window=127 * 64,
        margin=0,
        rate_shift=10,
        rate_shift_end=10,
        halve_every=1,
        update="step",
    )
    stimulus = Stimulus((rng.random((samples, 64)) < 0.25).astype(np.int64), made.steps, True)
    learned = LAVA.learn(made, rule, stimulus, rng.integers(0, 10, samples))
    per_step = 1e3 * learned.seconds / (samples * made.steps)
    print(f"64-128-10, the last layer learns: {per_step:.2f} ms a step")


def main() -> None:
    """Measure all."""
    for name, made in networks(sys.argv[1:]):
        measure(name, made)
    learning()


if __name__ == "__main__":
    main()
