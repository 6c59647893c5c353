"""What a Lava run costs: milliseconds per time step and seconds to start. `python benchmarks/lava.py`."""

from __future__ import annotations

import itertools
from time import perf_counter

import numpy as np

from neurodeploy.ir import Graph, IntDense, IntInput, IntLIF, Op, Output
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import ThreeFactorRule
from neurodeploy.targets.lava.target import LAVA

STEPS, SAMPLES = 8, 200


def network(rng: np.random.Generator, *sizes: int) -> Network:
    """Fully connected, soft reset, random int8 weights; graded 8-bit input with exponent -7."""
    ops: dict[str, Op] = {"x": IntInput((sizes[0],), 255.0, 0, 255)}
    edges, source = [], "x"
    for i, (fan_in, size) in enumerate(itertools.pairwise(sizes)):
        weights = np.clip(np.rint(rng.normal(0, 25, (size, fan_in))), -127, 127)
        ops[f"fc{i}"] = IntDense(weights.astype(np.int8), -7 if i == 0 else 0)
        ops[f"lif{i}"] = IntLIF((size,), 4096, 2048, np.zeros(size, np.int64), 127 * 64, "subtract")
        edges += [(source, f"fc{i}"), (f"fc{i}", f"lif{i}")]
        source = f"lif{i}"
    return Network(Graph({**ops, "out": Output()}, [*edges, (source, "out")]), STEPS, "loihi2")


def stimulus(rng: np.random.Generator, inputs: int) -> Stimulus:
    """Static 8-bit images, three in four pixels dark."""
    x = rng.integers(0, 256, (SAMPLES, inputs)) * (rng.random((SAMPLES, inputs)) < 0.25)
    return Stimulus(x, STEPS, True)


def line(what: str, wall: float, seconds: float) -> str:
    """One result; the steps are those of the model."""
    steps = SAMPLES * STEPS
    per_step = 1e3 * seconds / steps
    return f"{what}: {per_step:.2f} ms per time step ({steps} steps), {wall - seconds:.2f} s to start"


def main() -> None:
    """Measure both loops."""
    rng = np.random.default_rng(0)
    inference = network(rng, 784, 256, 10)
    start = perf_counter()
    result = LAVA.run(inference, stimulus(rng, 784))
    print(line("inference 784-256-10", perf_counter() - start, result.seconds))

    learning = network(rng, 64, 128, 10)
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
    labels = rng.integers(0, 10, SAMPLES)
    start = perf_counter()
    learned = LAVA.learn(learning, rule, stimulus(rng, 64), labels)
    print(line("learning 128-10 behind 64-128", perf_counter() - start, learned.seconds))


if __name__ == "__main__":
    main()
