"""Small integer networks with random numbers, and what the reference says they do."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from neurodeploy.backend import IntArray, LayerTrace
from neurodeploy.ir import Graph, IntDense, IntInput, IntLIF, Op, Output
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics.reference import run_sample
from neurodeploy.targets.lava.target import LAVA

NEEDS_LAVA = [pytest.mark.lava, pytest.mark.skipif(LAVA.missing() is not None, reason=str(LAVA.missing()))]


def neurons(rng: np.random.Generator, size: int, **changes: Any) -> IntLIF:
    """Soft-reset neurons with biases and both memories; `changes` replaces fields."""
    bias = rng.integers(-600, 600, size)
    fields: dict[str, Any] = {
        "du": 3000,
        "dv": 1024,
        "bias_q": bias,
        "threshold_q": 7001,
        "reset": "subtract",
        "compare": "ge",
    }
    return IntLIF((size,), **{**fields, **changes})


def chain(
    rng: np.random.Generator,
    sizes: tuple[int, ...] = (7, 6, 5),
    *,
    exponents: tuple[int, ...] = (-5, 0, 0, 0),
    low: int = 0,
    last: dict[str, Any] | None = None,
    steps: int = 5,
    **changes: Any,
) -> Network:
    """A chain of fully connected layers; `changes` apply to all neurons, `last` to the last layer's alone."""
    ops: dict[str, Op] = {"x": IntInput((sizes[0],), 255.0, low, 255)}
    edges, source = [], "x"
    for i, (fan_in, size) in enumerate(itertools.pairwise(sizes)):
        final = i == len(sizes) - 2
        ops[f"fc{i}"] = IntDense(rng.integers(-128, 128, (size, fan_in)), exponents[i])
        ops[f"lif{i}"] = neurons(rng, size, **{**changes, **((last or {}) if final else {})})
        edges += [(source, f"fc{i}"), (f"fc{i}", f"lif{i}")]
        source = f"lif{i}"
    return Network(Graph({**ops, "out": Output()}, [*edges, (source, "out")]), steps, "loihi2")


def static(rng: np.random.Generator, network: Network, samples: int = 4) -> Stimulus:
    """Random input, the same in every step."""
    op = network.input
    return Stimulus(rng.integers(op.low, op.high + 1, (samples, *op.shape)), network.steps, True)


def changing(rng: np.random.Generator, network: Network, samples: int = 4) -> Stimulus:
    """Random input, another in every step."""
    op = network.input
    x = rng.integers(op.low, op.high + 1, (network.steps, samples, *op.shape))
    return Stimulus(x, network.steps, False)


def reference(network: Network, stimulus: Stimulus) -> dict[str, LayerTrace]:
    """Every layer's trace `(T, N, n)` in plain Python integers."""
    samples = [
        run_sample(
            network.graph,
            network.registers,
            [stimulus.frame(t)[i].ravel().tolist() for t in range(stimulus.steps)],
        )
        for i in range(stimulus.samples)
    ]
    return {
        name: LayerTrace(
            _stack([s.spikes[name] for s in samples]), _stack([s.membrane[name] for s in samples])
        )
        for name in network.neurons
    }


def _stack(per_sample: list[Any]) -> IntArray:
    stacked: npt.NDArray[np.int64] = np.stack([np.array(rows, np.int64) for rows in per_sample], axis=1)
    return stacked


def assert_exact(network: Network, stimulus: Stimulus) -> dict[str, LayerTrace]:
    """Run on Lava and require the reference's numbers in every layer, step, sample and neuron."""
    result = LAVA.run(network, stimulus, trace=True)
    expected = reference(network, stimulus)
    assert set(result.traces) == set(expected)
    for name, trace in expected.items():
        np.testing.assert_array_equal(result.traces[name].spikes, trace.spikes, f"spikes of {name}")
        np.testing.assert_array_equal(result.traces[name].membrane, trace.membrane, f"membrane of {name}")
    output = network.graph.output
    np.testing.assert_array_equal(result.spikes, expected[output].spikes)
    if network.is_readout:
        np.testing.assert_array_equal(result.membrane, expected[output].membrane)
    else:
        assert result.membrane is None
    return expected
