"""From a network and data to a report."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from neurodeploy.backend import Progress, no_progress
from neurodeploy.compare.dequantize import check_same, units
from neurodeploy.compare.health import health
from neurodeploy.compare.layers import comparison
from neurodeploy.data import Dataset, check_labels
from neurodeploy.ir import Graph
from neurodeploy.network import Network, Note, Stimulus
from neurodeploy.report import accuracy, pictures
from neurodeploy.report.environment import environment, network_facts
from neurodeploy.report.measure import Measured, float_run, measure, run_samples
from neurodeploy.report.model import SCHEMA, Report
from neurodeploy.report.operations import operations
from neurodeploy.report.table import layer_rows, range_rows, weight_rows
from neurodeploy.report.verdict import verdict

if TYPE_CHECKING:
    import torch

    from neurodeploy.compare import Verification
    from neurodeploy.frontends.model import Model

TRACED_SAMPLES = 16
"""Samples with which a float model is traced."""


@dataclass(frozen=True, slots=True, eq=False)
class FloatModel:
    """The float network to compare with, and what its front end assumed."""

    origin: str
    graph: Graph
    notes: tuple[Note, ...]


def report(
    network: Network,
    dataset: Dataset,
    *,
    model: Model | torch.nn.Module | str | None = None,
    limit: int | None = None,
    command: str = "",
    verification: Verification | None = None,
    progress: Progress = no_progress,
) -> Report:
    """Measure `network` on the first `limit` samples of `dataset` (all by default) in the integer engine.

    `model` is the float model it was compiled from, for the comparison: a torch module, a run folder or
    `package.module:callable`. `command` is the command line that makes this report again. `verification` is
    what `neurodeploy.compare.compare` found, where back ends were compared.

    Raises `InputError` where data, labels or model do not fit the network, `UsageError` for a limit below 1.
    """
    data = dataset if limit is None else dataset.limit(limit)
    classes = prod(network.graph.types[network.graph.output].shape)
    labels = check_labels(data, classes)
    stimulus = network.stimulus(data.time_first, time_axis=data.time_axis)
    real = None if model is None else _float_model(model, network, data)
    found = measure(network, stimulus, data, None if real is None else real.graph, progress)
    compared = None if found.sums is None else tuple(comparison(n, found.sums[n]) for n in network.neurons)
    state = health(network, found.activity)
    run = {
        "schema": SCHEMA,
        "verdict": verdict(network, found, labels, state, verification),
        "command": command,
        "environment": environment(found.seconds, model is not None),
        "network": network_facts(network),
        "data": _data_facts(data, stimulus),
        "float_model": None
        if real is None
        else {"origin": real.origin, "notes": [str(n) for n in real.notes]},
        "layers": layer_rows(network, state, compared),
        "warnings": state.to_dict()["warnings"],
        "ranges": range_rows(network),
        "accuracy_by_steps": accuracy.by_step(found.integer, found.floats, labels),
        "confusion": accuracy.confusion(found.integer[-1], labels, classes),
        "weights": weight_rows(network),
        "rates": pictures.rates(network, found.activity),
        "pictures": _pictures(network, stimulus, data, found, real),
        "operations": operations(network, stimulus, found.activity),
        "learning": dict(network.learning) or None,
        "notes": [asdict(note) for note in network.notes],
        "provenance": dict(network.provenance),
    }
    return Report(run)


def _float_model(model: Model | torch.nn.Module | str, network: Network, data: Dataset) -> FloatModel:
    from neurodeploy.compiler import lowered_model, open_any

    opened = open_any(model)
    sample = data.x[:TRACED_SAMPLES, 0] if data.time_axis else data.x[:TRACED_SAMPLES]
    graph, notes = lowered_model(opened, sample, network.steps)
    check_same(graph, network)
    return FloatModel(opened.origin, graph, notes)


def _data_facts(data: Dataset, stimulus: Stimulus) -> dict[str, Any]:
    return {
        "spec": data.spec,
        "name": data.name,
        "split": data.split,
        "samples": len(data),
        "shape": list(data.shape),
        "steps": data.steps,
        "classes": data.classes,
        "input_values_clipped": stimulus.clipped,
        "sha256": data.sha256(),
        "source": data.source,
        "licence": data.licence,
    }


def _pictures(
    network: Network,
    stimulus: Stimulus,
    data: Dataset,
    found: Measured,
    real: FloatModel | None,
) -> dict[str, Any]:
    labels, prediction = data.labels(), found.integer[-1]
    chosen = pictures.choose_samples(prediction, labels)
    result = run_samples(network, stimulus, chosen)
    floats = None if real is None else float_run(network, real.graph, data, chosen)
    worth = {} if real is None else units(real.graph, network)
    return {
        "samples": [{"sample": i, "label": int(labels[i]), "predicted": int(prediction[i])} for i in chosen],
        "raster": pictures.raster(network, result),
        "membrane": pictures.membranes(network, result, floats, worth),
    }
