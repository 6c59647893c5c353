"""What is measured at every point: one model, one data set, one way of quantizing; and the measurement."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from time import perf_counter
from typing import Any

import msgspec
import numpy as np

from neurodeploy.backend import IntArray, get_backend
from neurodeploy.chip import Chip, load_chip
from neurodeploy.compiler import CompileConfig, compile_graph
from neurodeploy.data import Dataset
from neurodeploy.errors import FitError
from neurodeploy.ir import Conv, Dense, Graph
from neurodeploy.ir.interpreter import interpret
from neurodeploy.ir.json import graph_digest
from neurodeploy.network import Network
from neurodeploy.quant.moments import Moments
from neurodeploy.report.measure import predictions
from neurodeploy.sweep.point import Point
from neurodeploy.sweep.setting import Setting

FLOAT_SAMPLES = 100
"""Samples that the float interpreter runs together; it keeps the spikes of all layers."""


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """`graph`: the float network as imported; `lowered`: the same in the form that is quantized.

    `calibration` is real input; `config` says all about quantization but the bits; `moments` are the second moments of
    `lowered`, None where no rounding asks for them.
    """

    graph: Graph
    lowered: Graph
    dataset: Dataset
    labels: IntArray
    calibration: Dataset
    steps: int
    target: str
    config: CompileConfig
    moments: Moments | None = None

    @property
    def weights(self) -> dict[str, int]:
        """Number of weights by group of synapses, in the order of the graph."""
        groups: dict[str, Dense | Conv] = {**self.lowered.of(Dense), **self.lowered.of(Conv)}
        return {name: groups[name].weight.size for name in self.lowered.names if name in groups}

    @property
    def chip(self) -> Chip:
        """The target's description."""
        return load_chip(self.target)

    def digest(self) -> str:
        """Of everything that a result depends on besides the bits: equal digests, equal results."""
        facts = {
            "graph": graph_digest(self.graph),
            "data": self.dataset.sha256(),
            "calibration": self.calibration.sha256(),
            "steps": self.steps,
            "chip": msgspec.to_builtins(self.chip),
            "config": msgspec.to_builtins(self.config),
            "versions": versions(),
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def measure(work: Work, setting: Setting | None) -> Point:
    """Run all samples: with these bits in the integer engine, or in float where there is no setting."""
    start = perf_counter()
    if setting is None:
        return _point(work, {}, _float_predictions(work), start)
    try:
        network = _compiled(work, setting)
    except FitError as error:
        return Point(dict(setting.bits), unfit=str(error))
    data = work.dataset
    stimulus = network.stimulus(data.time_first, time_axis=data.time_axis)
    result = get_backend("engine").run(network, stimulus)
    return _point(
        work,
        dict(setting.bits),
        predictions(result.membrane, result.spikes),
        start,
        overflows=sum((result.overflows or {}).values()),
        clipped_inputs=stimulus.clipped,
        notes=[str(note) for note in network.notes],
    )


def _compiled(work: Work, setting: Setting) -> Network:
    quant = msgspec.structs.replace(
        work.config.quant, bits=max(bits for _, bits in setting.bits), layers=dict(setting.bits)
    )
    config = msgspec.structs.replace(work.config, quant=quant)
    return compile_graph(
        work.lowered,
        work.calibration.time_first,
        work.target,
        steps=work.steps,
        config=config,
        time_axis=work.calibration.time_axis,
        moments=work.moments,
    )


def _float_predictions(work: Work) -> IntArray:
    """Class of each sample after each step, `(T, N)`."""
    x, time_axis = work.dataset.time_first, work.dataset.time_axis
    found = []
    for first in range(0, len(work.dataset), FLOAT_SAMPLES):
        part = slice(first, first + FLOAT_SAMPLES)
        chosen = x[:, part] if time_axis else x[part]
        result = interpret(work.graph, chosen, work.steps, time_axis=time_axis)
        membrane = result.membrane[result.output] if result.is_readout else None
        found.append(predictions(membrane, result.spikes[result.output]))
    return np.concatenate(found, axis=1)


def _point(work: Work, bits: dict[str, int], by_step: IntArray, start: float, **more: Any) -> Point:
    correct = (by_step == work.labels).sum(axis=1)
    return Point(bits, by_step[-1].tolist(), correct.tolist(), seconds=perf_counter() - start, **more)


def versions() -> dict[str, str]:
    """Of what a result depends on."""
    return {name: version(name) for name in ("neurodeploy", "numpy")}
