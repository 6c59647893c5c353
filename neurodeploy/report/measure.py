"""One pass over the data: the integer engine and, where there is one, the float network beside it."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import IntArray, Progress, Result, get_backend
from neurodeploy.compare.dequantize import units
from neurodeploy.compare.health import Activity, activity
from neurodeploy.compare.layers import LayerSums, added, batches, layer_sums
from neurodeploy.compare.values import float_values, integer_values
from neurodeploy.data import Dataset
from neurodeploy.ir import Graph
from neurodeploy.ir.interpreter import FloatResult, interpret
from neurodeploy.network import Network, Stimulus


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Sums over all samples.

    `integer` and `floats` int64 `(T, N)`: the class that each sample gets from the first 1..T steps; `sums`
    by layer. `floats` and `sums` are None without a float model. `seconds` is the wall time of each side.
    """

    activity: Activity
    integer: IntArray
    floats: IntArray | None
    sums: dict[str, LayerSums] | None
    seconds: dict[str, float]


def measure(
    network: Network, stimulus: Stimulus, dataset: Dataset, graph: Graph | None, progress: Progress
) -> Measured:
    """Run everything, in batches that bound the memory."""
    engine = get_backend("engine")
    seen: list[Activity] = []
    integer: list[IntArray] = []
    floats: list[IntArray] = []
    sums: dict[str, LayerSums] = {}
    seconds = {"engine": 0.0} | ({} if graph is None else {"float": 0.0})
    for part in batches(network, stimulus):
        result = engine.run(network, stimulus.select(part), trace=True)
        seconds["engine"] += result.seconds
        seen.append(activity(network, result))
        integer.append(predictions(result.membrane, result.spikes))
        if graph is not None:
            start = perf_counter()
            real = float_run(network, graph, dataset, part)
            seconds["float"] += perf_counter() - start
            floats.append(_float_predictions(real))
            integers = integer_values(network, result.traces, units(graph, network))
            sums = added(sums, layer_sums(float_values(graph, real), integers, part.start))
        progress(part.stop, stimulus.samples)
    total = seen[0]
    for one in seen[1:]:
        total = total + one
    joined = np.concatenate(floats, axis=1) if floats else None
    return Measured(total, np.concatenate(integer, axis=1), joined, sums or None, seconds)


def float_run(network: Network, graph: Graph, dataset: Dataset, samples: slice | list[int]) -> FloatResult:
    """The float network's run of some samples."""
    x = dataset.time_first
    chosen = x[:, samples] if dataset.time_axis else x[samples]
    return interpret(graph, chosen, network.steps, time_axis=dataset.time_axis)


def run_samples(network: Network, stimulus: Stimulus, samples: list[int]) -> Result:
    """The traced run of some samples by number."""
    x = stimulus.x[samples] if stimulus.static else stimulus.x[:, samples]
    return get_backend("engine").run(network, Stimulus(x, stimulus.steps, stimulus.static), trace=True)


def predictions(membrane: npt.NDArray[Any] | None, spikes: npt.NDArray[Any]) -> IntArray:
    """Class `(T, N)` after each step: largest potential, or most spikes so far; ties to the lowest index."""
    score = np.cumsum(spikes, axis=0) if membrane is None else membrane
    winner: IntArray = np.argmax(score.reshape(*score.shape[:2], -1), axis=2)
    return winner


def _float_predictions(result: FloatResult) -> IntArray:
    return predictions(
        result.membrane[result.output] if result.is_readout else None, result.spikes[result.output]
    )
