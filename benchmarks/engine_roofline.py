"""What share of the machine's measured rates each kind of layer reaches in the engine; called by `engine.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from time import process_time

import numpy as np

from neurodeploy.ir import Graph, IntConv, IntDense, IntInput, IntLIF, Output, TensorType
from neurodeploy.network import Network, Stimulus

STEPS, BATCH = 16, 16


def least(function: Callable[[], object], repeats: int = 9) -> float:
    """Seconds of processor time."""
    found = []
    for _ in range(repeats):
        start = process_time()
        function()
        found.append(process_time() - start)
    return min(found)


def byte_products() -> float:
    """Products of bytes a second of the engine's own block, with all it reads in the first cache."""
    from numba import njit

    from neurodeploy.targets.engine.compiled.dot import block
    from neurodeploy.targets.engine.compiled.memory import address, buffer
    from neurodeploy.targets.engine.compiled.processor import processor

    dot = block(6, 4, processor().multiplies_bytes)

    @njit
    def repeat(times, rows, offsets, quads, weight, start, out):  # type: ignore[no-untyped-def]
        for _ in range(times):
            dot(rows, offsets, 1, quads, weight, start, 0, 0, out, 256, np.int32)

    times, quads = 20_000, 64
    given, weight, out = buffer(6 * 4 * quads, np.uint8), buffer(256 * quads, np.int8), buffer(384, np.int32)
    rows, offsets = address(given) + 4 * quads * np.arange(6), np.zeros(1, np.int64)
    start = np.zeros(64, np.int32)
    places = (address(rows), address(offsets), quads, address(weight), address(start), address(out))
    repeat(1, *places)
    return times * 6 * 64 * 4 * quads / least(lambda: repeat(times, *places))


def float_products() -> float:
    """Products of float32 a second of NumPy's BLAS."""
    x = np.ones((1024, 1024), np.float32)
    return 1024**3 / least(lambda: x @ x)


def bandwidth() -> float:
    """Bytes a second read and written by a copy of 128 MiB."""
    source = np.ones(1 << 27, np.uint8)
    target = source.copy()
    return 2 * source.size / least(lambda: np.copyto(target, source))


@dataclass(frozen=True)
class Kind:
    """A layer to measure: its input, its synapses, and the share of inputs that are 1."""

    shape: tuple[int, ...]
    synapses: IntDense | IntConv
    density: float = 0.5

    def network(self) -> Network:
        """The layer with its neurons."""
        result = self.synapses.result((TensorType(self.shape, "spike"),)).shape
        ops = {"x": IntInput(self.shape, 1.0, 0, 1), "synapses": self.synapses}
        ops |= {"lif": IntLIF(result, 4096, 2048, 0, 64 * 2000, "zero"), "out": Output()}
        return Network(Graph(ops, pairwise(ops)), STEPS, "loihi2")


def kinds() -> dict[str, Kind]:
    """Layers of each route."""
    rng = np.random.default_rng(0)

    def conv(channels: int, extent: int, kernel: int, groups: int = 1) -> Kind:
        weight = rng.integers(-127, 128, (channels, channels // groups, kernel, kernel))
        stride, padding = (1, 1) if groups == 1 else (kernel, kernel), kernel // 2 if groups == 1 else 0
        return Kind((channels, extent, extent), IntConv(weight, 0, stride, (padding,) * 4, (1, 1), groups))

    dense = IntDense(rng.integers(-127, 128, (1024, 1024)), 0)
    return {
        "dense 1024-1024, half of the inputs active": Kind((1024,), dense),
        "dense 1024-1024, 5 % active": Kind((1024,), dense, 0.05),
        "convolution 3x3, 128 channels, 16x16": conv(128, 16, 3),
        "convolution 3x3, 512 channels, 2x2": conv(512, 2, 3),
        "pool 2x2, 128 channels, 16x16": conv(128, 16, 2, 128),
    }


def roofline(seconds: Callable[[Network, Stimulus], float]) -> None:
    """Print the rates of the machine and of each kind of layer, and what share of the nearer roof it reaches."""
    products, floats, copied = byte_products(), float_products(), bandwidth()
    print(f"machine: {products / 1e9:.0f} G products of bytes/s, {floats / 1e9:.0f} G of float32/s", end="")
    print(f", {copied / 1e9:.1f} GB/s")
    for name, kind in kinds().items():
        network = kind.network()
        lead = (STEPS, BATCH, *kind.shape)
        x = (np.random.default_rng(1).random(lead) < kind.density).astype(np.int64)
        taken = seconds(network, Stimulus(x, STEPS, False))
        size = network.graph.types["lif"].size
        rate = STEPS * BATCH * size * prod(kind.synapses.weight_q.shape[1:]) / taken
        moved = STEPS * BATCH * (9 * prod(kind.shape) + (4 + 4 + 1 + 9) * size) / taken
        print(
            f"{name}: {rate / 1e9:.1f} G products/s ({rate / products:.0%}), "
            f"{moved / 1e9:.1f} GB/s ({moved / copied:.0%})"
        )
