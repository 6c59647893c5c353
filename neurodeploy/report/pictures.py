"""What the plots of single samples show, thinned out: spikes of all layers, potentials of a few neurons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import IntArray, LayerTrace, Result
from neurodeploy.compare.health import Activity, potential
from neurodeploy.ir import IntLIF
from neurodeploy.ir.interpreter import FloatResult
from neurodeploy.network import Network

RASTER_SAMPLES = 3
RASTER_NEURONS = 256
RASTER_EVENTS = 6000
"""Most events of one layer over all samples shown; fewer neurons are shown until they are enough."""
RATE_BINS = 20
NEURONS_TRACED = 3


def choose_samples(prediction: IntArray, labels: IntArray) -> list[int]:
    """Samples to show, by number: the first that is wrong, and the first right ones of different classes."""
    right = np.flatnonzero(prediction == labels)
    first_of_class = sorted(int(right[np.argmax(labels[right] == c)]) for c in np.unique(labels[right]))
    wrong = np.flatnonzero(prediction != labels)[:1].tolist()
    return sorted(first_of_class[: RASTER_SAMPLES - len(wrong)] + wrong)


def raster(network: Network, result: Result) -> list[dict[str, Any]]:
    """Spikes by layer: for each sample the steps and neurons of its events; `neurons_shown` evenly spaced."""
    return [
        {"layer": name, **_events(result.traces[name].spikes)}
        for name, op in network.neurons.items()
        if op.reset != "none"
    ]


def _events(spikes: IntArray) -> dict[str, Any]:
    flat = spikes.reshape(*spikes.shape[:2], -1)
    size = flat.shape[2]
    stride = -(-size // RASTER_NEURONS)
    while int(flat[:, :, ::stride].sum()) > RASTER_EVENTS:
        stride *= 2
    samples = []
    for one in np.moveaxis(flat[:, :, ::stride], 1, 0):
        step, neuron = np.nonzero(one)
        samples.append({"step": step.tolist(), "neuron": (neuron * stride).tolist()})
    return {"neurons": size, "neurons_shown": -(-size // stride), "samples": samples}


def rates(network: Network, seen: Activity) -> list[dict[str, Any]]:
    """How many neurons of each spiking layer fire at which rate: 20 bins from 0 to 1 spike a step."""
    most = seen.samples * seen.steps
    return [
        {
            "layer": name,
            "counts": np.histogram(seen.layers[name].fired / most, RATE_BINS, (0.0, 1.0))[0].tolist(),
        }
        for name, op in network.neurons.items()
        if op.reset != "none"
    ]


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """The same layer in float; `unit` is the float potential that one integer step is worth."""

    membrane: npt.NDArray[Any]
    spikes: npt.NDArray[Any]
    unit: float


def membranes(
    network: Network, result: Result, floats: FloatResult | None, units: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Potentials of three neurons a layer for the first sample of the run, as compared with the threshold.

    `units` are the float potentials that one integer step is worth, for a float run.
    """
    rows = []
    for name, op in network.neurons.items():
        pair = None
        if floats is not None:
            pair = Pair(floats.membrane[name], floats.spikes[name], units[name])
        threshold = int(op.fire_at.min()) if op.reset != "none" else None
        neurons = _neurons(op, result.traces[name], pair)
        rows.append({"layer": name, "threshold": threshold, "neurons": neurons})
    return rows


def _neurons(op: IntLIF, trace: LayerTrace, pair: Pair | None) -> list[dict[str, Any]]:
    values = potential(op, trace)[:, 0].reshape(len(trace.spikes), -1)
    spikes = trace.spikes[:, 0].reshape(len(values), -1)
    real = None if pair is None else _float_values(op, pair)
    return [
        {
            "neuron": n,
            "potential": values[:, n].tolist(),
            "spikes": np.flatnonzero(spikes[:, n]).tolist(),
            "float_potential": None if real is None else [float(v) for v in np.round(real[:, n], 1)],
        }
        for n in _choose_neurons(op, values, spikes)
    ]


def _choose_neurons(op: IntLIF, values: IntArray, spikes: IntArray) -> list[int]:
    """The most active, a middling and the most excited silent one; of a readout the three largest."""
    if op.reset == "none":
        return [int(n) for n in np.argsort(-values[-1], kind="stable")[:NEURONS_TRACED]]
    count = spikes.sum(axis=0)
    order = np.lexsort((-values.max(axis=0), -count))
    fired = int(np.count_nonzero(count))
    wanted = (0, fired // 2, fired, 1, 2)
    places = [i for i in dict.fromkeys(wanted) if i < len(order)]
    return [int(order[i]) for i in sorted(places[:NEURONS_TRACED])]


def _float_values(op: IntLIF, pair: Pair) -> npt.NDArray[np.float64]:
    flat = pair.membrane[:, 0].reshape(len(pair.membrane), -1).astype(np.float64)
    fired = pair.spikes[:, 0].reshape(len(flat), -1)
    values: npt.NDArray[np.float64] = flat / pair.unit + (
        np.broadcast_to(op.subtracts_q, op.shape).reshape(-1) * fired if op.reset == "subtract" else 0.0
    )
    return values
