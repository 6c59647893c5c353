"""Networks and runs whose events are counted."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from neurodeploy.backend import Result
from neurodeploy.ir import Graph, IntDense, IntInput, IntLIF, Op, Output
from neurodeploy.network import Network, Stimulus
from tests.nets import reference


def mlp(
    sizes: tuple[int, ...],
    *,
    weight: int | None = None,
    zeros: float = 0.0,
    reset: str = "zero",
    steps: int = 6,
) -> Network:
    """Fully connected layers with binary inputs; random weights, or all `weight`."""
    rng = np.random.default_rng(5)
    ops: dict[str, Op] = {"in": IntInput((sizes[0],), 1.0, 0, 1)}
    for i, (inputs, outputs) in enumerate(pairwise(sizes), 1):
        drawn = rng.integers(-60, 80, (outputs, inputs)) * (rng.random((outputs, inputs)) >= zeros)
        ops[f"fc{i}"] = IntDense(drawn if weight is None else np.full((outputs, inputs), weight), 0)
        ops[f"lif{i}"] = IntLIF(
            (outputs,),
            4096,
            400,
            0,
            64 * 100 + 13,
            reset,
            "gt" if reset == "subtract" else "ge",  # type: ignore[arg-type]
        )
    names = [*ops, "out"]
    return Network(Graph({**ops, "out": Output()}, list(pairwise(names))), steps, "loihi1")


def events(network: Network, samples: int, steps: int | None = None) -> Stimulus:
    """Random binary input; of `steps` steps all after the network's own are empty."""
    every = network.steps if steps is None else steps
    x = (np.random.default_rng(7).random((every, samples, *network.input.shape)) < 0.3).astype(np.int64)
    x[network.steps :] = 0
    return Stimulus(x, every, False)


def traced(network: Network, given: Stimulus) -> Result:
    """What the plain reference says that every layer does."""
    traces = reference(network, given)
    last = traces[network.graph.output]
    return Result("reference", last.spikes, None, 0.0, traces)
