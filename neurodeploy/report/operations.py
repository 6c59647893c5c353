"""Work and memory under NeuroBench's names and definitions (neurobench 2.3.0, metrics read in its code)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import IntArray
from neurodeploy.chip import load_chip
from neurodeploy.compare.health import Activity
from neurodeploy.cost import measured_cost
from neurodeploy.errors import InputError, UnsupportedError, UsageError
from neurodeploy.ir import Delay, Flatten, IntConv, IntInput, IntLIF, IntSynapses, Shape
from neurodeploy.ir.convolution import convolve
from neurodeploy.mapping import stored_placement
from neurodeploy.network import Network, Stimulus
from neurodeploy.passes.fit import chip_need, connections
from neurodeploy.semantics import signed_bits

ENERGY_SAMPLES = 16
"""Samples whose energy and time are estimated."""


def operations(network: Network, stimulus: Stimulus, seen: Activity) -> dict[str, Any]:
    """Operations per sample over all T steps, sparsities and footprint.

    - `Effective_ACs`: synapses with a weight other than zero whose input is other than zero, in layers whose
      inputs are all -1, 0 or 1; `Effective_MACs`: the same in the other layers. Biases are not counted.
    - `Dense`: all synapses in every step.
    - `ActivationSparsity`: zeros among outputs of spiking layers; `ConnectionSparsity`: among weights.
    - `Footprint`: bytes of weights (int8) and biases (int64) as the artefact stores them;
      `weights_packed_bytes`: the weights alone at their bits.
    """
    layers = [_layer(network, name, op, stimulus, seen) for name, op in network.graph.of(IntSynapses).items()]
    weights = sum(layer["weights"] for layer in layers)
    return {
        "Effective_MACs": sum(layer["Effective_MACs"] for layer in layers),
        "Effective_ACs": sum(layer["Effective_ACs"] for layer in layers),
        "Dense": sum(layer["Dense"] for layer in layers),
        "ActivationSparsity": _activation_sparsity(network, seen),
        "ConnectionSparsity": sum(layer["zeros"] for layer in layers) / weights,
        "Footprint": weights + sum(op.bias_q.nbytes for op in network.neurons.values()),
        "weights_packed_bytes": sum(-(-layer["weights"] * layer["bits"] // 8) for layer in layers),
        "spikes": sum(int(one.fired.sum()) for one in seen.layers.values()) / seen.samples,
        "layers": layers,
        "energy": energy(network, stimulus),
    }


def energy(network: Network, stimulus: Stimulus) -> dict[str, Any] | None:
    """Energy and time of the first samples on the target, on the cores of the stored mapping where there is one.

    The values of `neurodeploy.cost.Estimate`, `counts` of events, and `mapping` as the artefact holds it. None where
    no cost of an operation is public, where the network does not fit one chip and holds no mapping, and for a
    description that is not among the chips of this installation.
    """
    try:
        chip = load_chip(network.target)
    except (InputError, UsageError):
        return None
    if not chip.has_equal_cores:
        return None
    placement = stored_placement(network, chip.id)
    if placement is None and not chip_need(network.graph, chip).fits:
        return None
    few = stimulus.select(slice(0, ENERGY_SAMPLES))
    counted, found = measured_cost(network, chip, few, placement=placement)
    mapping = None if placement is None else network.provenance["mapping"]
    return {**found.to_dict(), "counts": counted.to_dict(), "mapping": mapping}


def _layer(
    network: Network, name: str, op: IntSynapses, stimulus: Stimulus, seen: Activity
) -> dict[str, Any]:
    active, graded = _inputs(network, name, stimulus, seen)
    effective = _reached(op, active, network.graph.types[network.graph.sources(name)[0]].shape) / seen.samples
    shape = network.graph.types[name].shape
    return {
        "layer": name,
        "Effective_MACs": effective if graded else 0.0,
        "Effective_ACs": 0.0 if graded else effective,
        "Dense": connections(op, shape) * seen.steps,
        "weights": op.weight_q.size,
        "zeros": int(np.count_nonzero(op.weight_q == 0)),
        "bits": signed_bits(op.weight_q),
    }


def _reached(op: IntSynapses, active: IntArray, shape: Shape) -> int:
    """Synapses with a weight other than zero, times how often their input was active."""
    counts = active.reshape(1, *shape).astype(np.float64)
    if isinstance(op, IntConv):
        present = (op.weight_q != 0).astype(np.float64)
        return int(convolve(counts, present, op.windows, op.groups).sum())
    return int((counts @ np.count_nonzero(op.weight_q, axis=0)).sum())


def _inputs(network: Network, name: str, stimulus: Stimulus, seen: Activity) -> tuple[IntArray, bool]:
    """How often each input of synapses `name` was other than zero, `(in,)`, and whether it is graded."""
    graph = network.graph
    source = graph.sources(name)[0]
    while isinstance(graph.op(source), (Flatten, Delay)):
        source = graph.sources(source)[0]
    neurons = graph.op(source)
    if isinstance(neurons, IntLIF):
        return seen.layers[source].fired, neurons.max_spikes > 1
    if not isinstance(neurons, IntInput):
        raise UnsupportedError(
            f"layer '{name}': operations behind '{graph.op(source).kind}' cannot be counted"
        )
    frames: npt.NDArray[np.int64] = stimulus.x.reshape(-1, np.prod(network.input.shape, dtype=int))
    active = np.count_nonzero(frames, axis=0) * (stimulus.steps if stimulus.static else 1)
    return active, bool(np.abs(frames).max() > 1)


def _activation_sparsity(network: Network, seen: Activity) -> float | None:
    spiking = [seen.layers[name] for name, op in network.neurons.items() if op.reset != "none"]
    outputs = sum(one.fired.size for one in spiking) * seen.samples * seen.steps
    return 1 - sum(int(one.fired.sum()) for one in spiking) / outputs if outputs else None
