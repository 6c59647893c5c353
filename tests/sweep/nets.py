"""Float networks by hand, as a `Model`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from neurodeploy.data import Dataset
from neurodeploy.frontends import Imported
from neurodeploy.ir import LIF, Dense, Graph, Input, Op, Output, Readout


@dataclass(frozen=True)
class Made:
    """A graph as a `Model`."""

    graph: Graph
    origin: str = "made"
    steps: int | None = 3
    data: str | None = None

    def read(self, sample: npt.NDArray[np.float32] | None, steps: int | None) -> Imported:
        return Imported(self.graph, ())


def dense(out: int, inputs: int, seed: int) -> Dense:
    weight = np.random.default_rng(seed).uniform(-0.4, 0.6, (out, inputs))
    return Dense(weight, np.zeros(out))


def network(threshold: float = 0.5, fc1: Dense | None = None) -> Graph:
    """6 inputs, 8 neurons, 3 classes."""
    ops: dict[str, Op] = {
        "input": Input((6,)),
        "fc1": fc1 or dense(8, 6, 0),
        "lif1": LIF((8,), np.array(0.5), np.array(threshold), "subtract", "ge"),
        "fc2": dense(3, 8, 1),
        "out": Readout((3,), np.array(1.0)),
        "output": Output(),
    }
    return Graph(ops, pairwise(ops))


def data(samples: int = 40, labelled: bool = True) -> Dataset:
    rng = np.random.default_rng(5)
    x = rng.random((samples, 6)).astype(np.float32)
    y = rng.integers(0, 3, samples) if labelled else None
    return Dataset("made", "all", "made.npz", x, y, 3 if labelled else 0, False, "here", "none")


def over_time(samples: int, steps: int = 3) -> Dataset:
    """Samples whose inputs take turns over the steps."""
    still = data(samples)
    x = np.zeros((samples, steps, 6), np.float32)
    for t in range(steps):
        x[:, t, t::steps] = still.x[:, t::steps]
    return replace(still, x=x, time_axis=True)
