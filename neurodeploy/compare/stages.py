"""The runs between a float model and the integer machine, one for each kind of loss, batch by batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import Backend, Progress, Result, get_backend
from neurodeploy.compare.alone import integer_alone, rounded_alone
from neurodeploy.compare.backends import Mismatch, first_mismatch, installed
from neurodeploy.compare.dequantize import check_same, dequantized, from_input, units
from neurodeploy.compare.layers import LayerSums, added, batches, layer_sums
from neurodeploy.compare.values import LayerRun, float_values, integer_values, neurons_of
from neurodeploy.ir import Graph
from neurodeploy.ir.interpreter import FloatResult, interpret
from neurodeploy.network import Network, Stimulus

Array = npt.NDArray[Any]
Sums = dict[str, LayerSums]
STAGES = {
    "float": "the model as it was imported, the reference",
    "lowered": "folded and composed",
    "input": "input on its integer grid",
    "weights": "weights, thresholds, biases and decays as their integers stand for",
    "integer": "the integer machine",
}
"""All stages and what each adds to the one before."""
RUNS = 7
"""Runs of a batch that are kept at the same time."""


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What is compared: the graphs of the float stages, the network, and the data, as real numbers and integers."""

    imported: Graph
    lowered: Graph
    rounded: Graph
    network: Network
    units: Mapping[str, float]
    x: Array
    stimulus: Stimulus

    @staticmethod
    def of(imported: Graph, lowered: Graph, network: Network, x: Array, stimulus: Stimulus) -> Subject:
        """Check that the model and the network are the same, and find what the integers stand for."""
        check_same(lowered, network)
        worth = units(lowered, network)
        return Subject(imported, lowered, dequantized(lowered, network), network, worth, x, stimulus)

    def select(self, part: slice) -> Subject:
        """The same for some of the samples."""
        x = self.x[part] if self.stimulus.static else self.x[:, part]
        return replace(self, x=x, stimulus=self.stimulus.select(part))

    @property
    def on_grid(self) -> Array:
        """The input as its integers stand for."""
        lead = 1 if self.stimulus.static else 2
        values: Array = (self.stimulus.x / self.network.input.levels).astype(np.float32)
        return values.reshape(self.x.shape[:lead] + values.shape[lead:])

    def float_run(self, graph: Graph, x: Array) -> FloatResult:
        """A float run of one of the graphs."""
        return interpret(graph, x, self.network.steps, time_axis=not self.stimulus.static)


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Sums of every stage and layer: `total` against the float model, `own` what the stage does to that layer alone.

    `predictions` int64 `(N,)` of every stage and back end; `overflows` of the engine by layer.
    """

    total: Mapping[str, Sums]
    own: Mapping[str, Sums]
    predictions: Mapping[str, Array]
    overflows: Mapping[str, int]
    backends: tuple[str, ...]
    mismatches: tuple[Mismatch, ...]


def measure(subject: Subject, backends: tuple[str, ...], progress: Progress) -> Measured:
    """Run everything, in batches that bound the memory; raises `BackendMissing` before any run."""
    others = installed(backends)
    parts = []
    for part in batches(subject.network, subject.stimulus, RUNS + len(others)):
        parts.append(_measure_part(subject.select(part), others, part.start))
        progress(part.stop, subject.stimulus.samples)
    first: dict[str, Mismatch] = {}
    for one in parts:
        first = {m.second_backend: m for m in one.mismatches} | first
    return Measured(
        _added([one.total for one in parts]),
        _added([one.own for one in parts]),
        {name: np.concatenate([one.predictions[name] for one in parts]) for name in parts[0].predictions},
        {name: sum(one.overflows.get(name, 0) for one in parts) for name in subject.network.neurons},
        backends,
        tuple(first.values()),
    )


def _added(parts: list[Mapping[str, Sums]]) -> dict[str, Sums]:
    total: dict[str, Sums] = {}
    for one in parts:
        total = {stage: added(total.get(stage, {}), sums) for stage, sums in one.items()}
    return total


def _measure_part(subject: Subject, others: list[Backend], start: int) -> Measured:
    network, grid = subject.network, subject.on_grid
    floats = {"float": subject.float_run(subject.imported, subject.x)}
    floats["lowered"] = subject.float_run(subject.lowered, subject.x)
    lossless = np.array_equal(grid, np.asarray(subject.x, np.float32))
    floats["input"] = floats["lowered"] if lossless else subject.float_run(subject.lowered, grid)
    floats["weights"] = subject.float_run(subject.rounded, grid)
    engine = get_backend("engine").run(network, subject.stimulus, trace=True)
    predictions = {name: one.prediction for name, one in floats.items()} | {"integer": engine.prediction}
    mismatches = []
    for other in others:
        result = other.run(network, subject.stimulus, trace=True)
        predictions[other.name] = result.prediction
        if (found := first_mismatch(network, engine, result, start)) is not None:
            mismatches.append(found)
    values = _values(subject, floats, engine)
    reference = {**values["lowered"], **values.pop("float")}
    total = {stage: layer_sums(reference, run, start) for stage, run in values.items()}
    total["lowered"] = {name: total["lowered"][name] for name in _imported(subject)}
    own = {
        "lowered": total["lowered"],
        "input": _own_input(subject, values),
        "weights": _own_weights(subject, values["input"], grid),
        "integer": _own_integer(subject, values["weights"], floats["weights"]),
    }
    return Measured(total, own, predictions, engine.overflows or {}, (), tuple(mismatches))


def _imported(subject: Subject) -> tuple[str, ...]:
    """Layers of neurons that the model had before it was lowered."""
    before, after = neurons_of(subject.imported), neurons_of(subject.lowered)
    return tuple(
        name
        for name in subject.network.neurons
        if name in before
        and before[name].shape == after[name].shape
        and before[name].kind == after[name].kind
    )


def _values(subject: Subject, floats: Mapping[str, FloatResult], engine: Result) -> dict[str, LayerRun]:
    graphs = {"float": subject.imported, "weights": subject.rounded}
    values: dict[str, LayerRun] = {}
    for stage, result in floats.items():
        found = float_values(graphs.get(stage, subject.lowered), result)
        names = _imported(subject) if stage == "float" else subject.network.neurons
        values[stage] = {name: found[name] for name in names}
    return values | {"integer": integer_values(subject.network, engine.traces, subject.units)}


def _own_input(subject: Subject, values: Mapping[str, LayerRun]) -> Sums:
    """A coarser input changes only the layers that it reaches."""
    graph, exact = subject.lowered, values["lowered"]
    reached = {
        name: any(from_input(graph, source) for source in graph.sources(name))
        for name in subject.network.neurons
    }
    return layer_sums(
        exact, {name: values["input"][name] if reached[name] else exact[name] for name in exact}
    )


def _own_weights(subject: Subject, exact: LayerRun, grid: Array) -> Sums:
    moving = not subject.stimulus.static
    graphs, steps = (subject.lowered, subject.rounded), subject.network.steps
    return {
        name: layer_sums(exact, {name: rounded_alone(*graphs, name, grid, steps, moving)})[name]
        for name in subject.network.neurons
    }


def _own_integer(subject: Subject, exact: LayerRun, result: FloatResult) -> Sums:
    network, stimulus = subject.network, subject.stimulus
    return {
        name: layer_sums(exact, {name: integer_alone(network, name, stimulus, result.spikes, unit)})[name]
        for name, unit in subject.units.items()
    }
