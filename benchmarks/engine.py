"""Samples per second of the engine and of ONNX Runtime: `OMP_NUM_THREADS=1 python benchmarks/engine.py`.

32C5-P2-64C5-P2-1024-10 at T = 5 on 28x28 inputs, random weights. Time is that of the processor: on a machine that does
other things too, the clock on the wall tells less.
"""

from __future__ import annotations

from itertools import pairwise
from time import perf_counter, process_time

import numpy as np

from neurodeploy.backend import get_backend
from neurodeploy.ir import Flatten, Graph, IntConv, IntDense, IntInput, IntLIF, Op, Output
from neurodeploy.network import Network, Stimulus

STEPS, SAMPLES = 5, 256


def convolution(rng: np.random.Generator, out: int, channels: int, exponent: int) -> IntConv:
    """5x5, which keeps the size."""
    weight = rng.integers(-60, 65, (out, channels, 5, 5))
    return IntConv(weight, exponent, (1, 1), (2, 2, 2, 2), (1, 1))


def pool(channels: int) -> IntConv:
    """2x2 sums of each channel."""
    return IntConv(np.ones((channels, 1, 2, 2)), 0, (2, 2), (0, 0, 0, 0), (1, 1), channels)


def neurons(rng: np.random.Generator, shape: tuple[int, ...], threshold: int) -> IntLIF:
    """Soft reset, half of the potential kept, a bias for each channel."""
    bias = rng.integers(-50, 50, (shape[0], *(1,) * (len(shape) - 1)))
    return IntLIF(shape, 4096, 2048, bias, 64 * threshold, "subtract")


def any_of(shape: tuple[int, ...]) -> IntLIF:
    """A spike where any input spikes."""
    return IntLIF(shape, 4096, 4096, 0, 64, "zero")


def network(rng: np.random.Generator) -> Network:
    """The network; pools are layers of neurons."""
    ops: dict[str, Op] = {
        "in": IntInput((1, 28, 28), 255.0, 0, 255),
        "conv1": convolution(rng, 32, 1, -6),
        "lif1": neurons(rng, (32, 28, 28), 500),
        "pool1": pool(32),
        "or1": any_of((32, 14, 14)),
        "conv2": convolution(rng, 64, 32, 0),
        "lif2": neurons(rng, (64, 14, 14), 1500),
        "pool2": pool(64),
        "or2": any_of((64, 7, 7)),
        "flat": Flatten(),
        "fc1": IntDense(rng.integers(-60, 62, (1024, 3136)), 0),
        "lif3": neurons(rng, (1024,), 2500),
        "fc2": IntDense(rng.integers(-60, 65, (10, 1024)), 0),
        "sum": IntLIF((10,), 4096, 0, 0, 0, "none"),
        "out": Output(),
    }
    return Network(Graph(ops, pairwise(ops)), STEPS, "loihi2")


def main() -> None:
    """Run both back ends on the same images."""
    rng = np.random.default_rng(0)
    net = network(rng)
    images = Stimulus(rng.integers(0, 256, (SAMPLES, 1, 28, 28)), STEPS, True)
    for name in ("engine", "onnxruntime"):
        backend = get_backend(name)
        backend.run(net, images.select(slice(32)))
        wall, processor = perf_counter(), process_time()
        backend.run(net, images)
        wall, processor = perf_counter() - wall, process_time() - processor
        print(
            f"{name}: {SAMPLES / processor:.0f} samples/s of processor time, {SAMPLES / wall:.0f} on the wall"
        )


if __name__ == "__main__":
    main()
