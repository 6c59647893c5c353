"""A compiled network on placed cores as a network file of SANA-FE, with one sample as its input."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.chip import Chip
from neurodeploy.cost import Placement
from neurodeploy.cost.synapses import kind_of
from neurodeploy.cost.traffic import start_steps
from neurodeploy.errors import UnsupportedError
from neurodeploy.ir import IntConv, IntLIF, IntSynapses
from neurodeploy.ir.convolution import convolve
from neurodeploy.network import Network, Note, Stimulus
from neurodeploy.resources import Group, Layers, Part

Tree = dict[Any, Any]
UNIT = 64
"""SANA-FE's potentials are in units of a weight; ours have 64 parts of one."""
NEVER = 1e30
"""The threshold of a readout."""
LARGEST_MATRIX = 1 << 24


def network_tree(
    network: Network, chip: Chip, layers: Layers, placement: Placement, stimulus: Stimulus
) -> Tree:
    """Groups of neurons, edges and mapping. Raises `UnsupportedError` for what SANA-FE's models cannot hold."""
    _check(network, layers, stimulus)
    inputs = [name for name in layers.sources if name not in layers.neurons]
    groups = [_input_group(name, layers, stimulus) for name in inputs]
    kinds = {name: _kind(name, chip, layers, placement) for name in layers.neurons}
    groups += [_neuron_group(name, op, kinds[name]) for name, op in network.neurons.items()]
    parts = {name: [part for _, part in placement.parts(name)] for name in layers.neurons}
    edges = [
        _edges(network, group, kinds[name], parts[name])
        for name, layer in layers.neurons.items()
        for group in layer.groups
    ]
    tree: Tree = {"name": "network", "groups": groups, "edges": edges}
    return {"network": tree, "mappings": list(_mappings(layers, placement))}


def remarks(network: Network) -> tuple[Note, ...]:
    """Where SANA-FE's neurons are not ours to the last bit."""
    found = []
    for name, op in network.neurons.items():
        if op.bias_q.any():
            found.append(
                Note(name, "the bias acts from SANA-FE's first step on, before spikes of the input arrive")
            )
        if op.reset == "subtract" and op.compare == "ge":
            found.append(
                Note(name, "a reset takes 1/64 less than the threshold away, as SANA-FE compares with > only")
            )
        if op.remembers_current:
            found.append(
                Note(name, "SANA-FE keeps fractions of the current u, which the chip rounds toward zero")
            )
    return tuple(found)


def _check(network: Network, layers: Layers, stimulus: Stimulus) -> None:
    if stimulus.samples != 1:
        raise UnsupportedError(f"SANA-FE runs one sample at a time, not {stimulus.samples}")
    if ((stimulus.x != 0) & (stimulus.x != 1)).any():
        raise UnsupportedError(
            f"the input holds graded values {stimulus.x.min()}..{stimulus.x.max()}; SANA-FE's spikes are 0 or 1. "
            "Use event data or binary pixels"
        )
    for name, op in network.neurons.items():
        wrong = {
            "max_spikes": op.max_spikes > 1,
            "refractory": op.refractory > 0,
            "v_min": op.v_min_q is not None,
            "clear_current": op.clear_current,
            "an initial potential": bool(op.initial_q.any()),
            "reset_by": op.reset_by_q is not None,
        }
        if any(wrong.values()):
            named = ", ".join(what for what, is_wrong in wrong.items() if is_wrong)
            raise UnsupportedError(f"layer '{name}': SANA-FE's neurons have no {named}")
    for name, synapses in network.graph.of(IntSynapses).items():
        if synapses.exponent < 0:
            raise UnsupportedError(
                f"layer '{name}': its sums are shifted by {synapses.exponent} bits, which SANA-FE cannot"
            )
    _check_steps(layers)


def _check_steps(layers: Layers) -> None:
    start = start_steps(layers)
    for name, layer in layers.neurons.items():
        for group in layer.groups:
            if start[name] + group.delay != start[group.source] + 1:
                steps = start[name] + group.delay - start[group.source]
                raise UnsupportedError(
                    f"layer '{name}': spikes of '{group.source}' need {steps} steps to line up with the others; "
                    "SANA-FE's chip takes 1 a hop"
                )


def _input_group(name: str, layers: Layers, stimulus: Stimulus) -> Tree:
    size = prod(layers.sources[name])
    x = np.stack([stimulus.frame(t).reshape(size) for t in range(stimulus.steps)])
    neurons = [{i: [{"spikes": x[:, i].tolist()}]} for i in range(size)]
    return {"name": name, "attributes": [], "neurons": neurons}


def _neuron_group(name: str, op: IntLIF, kind: str) -> Tree:
    size = prod(op.shape)
    parameters = {
        "threshold": np.full((), NEVER) if op.reset == "none" else (op.fire_at - 1) / UNIT,
        "bias": op.bias_q / UNIT,
        "leak_decay": (4096 - op.dv) / 4096,
        "input_decay": (4096 - op.du) / 4096,
    }
    common: list[Tree] = [{"synapse_hw_name": kind}, {"soma_hw_name": "lif"}, {"log_spikes": True}]
    common += [{"reset_mode": {"subtract": "soft", "zero": "hard", "none": "none"}[op.reset]}]
    common += [{key: float(value)} for key, value in parameters.items() if not np.ndim(value)]
    each = {key: np.broadcast_to(v, op.shape).reshape(-1) for key, v in parameters.items() if np.ndim(v)}
    neurons: list[Tree] = [{f"0..{size - 1}" if size > 1 else 0: []}]
    if each:
        neurons = [{i: [{key: float(value[i])} for key, value in each.items()]} for i in range(size)]
    return {"name": name, "attributes": common, "neurons": neurons}


def _kind(name: str, chip: Chip, layers: Layers, placement: Placement) -> str:
    parts = [part for _, part in placement.parts(name)]
    kinds = {kind_of(group, chip, parts) for group in layers.neurons[name].groups} or {"dense"}
    if len(kinds) > 1:
        raise UnsupportedError(
            f"layer '{name}': its groups of synapses are stored as {' and '.join(sorted(kinds))}; a layer of SANA-FE "
            "has one kind"
        )
    return kinds.pop()


def _edges(network: Network, group: Group, kind: str, parts: list[Part]) -> Tree:
    """Synapses other than 0; of dense lists the zeros too, in each part that the source neuron reaches."""
    op = network.graph.op(group.name)
    if not isinstance(op, IntSynapses):
        raise UnsupportedError(f"layer '{group.name}': '{op.kind}' has no synapses")
    matrix = _matrix(op, group)
    listed = matrix != 0
    if kind == "dense":
        for part in parts:
            listed[part.slices] = listed[part.slices].any(axis=0)
    sources, targets = np.nonzero(listed.T)
    weights = matrix[targets, sources] << op.exponent
    pairs = np.stack([sources, targets], axis=1).tolist()
    return {
        f"{group.source} -> {_target(network, group)}": [
            {"type": "sparse"},
            {"source_target_pairs": pairs},
            {"weight": weights.tolist()},
        ]
    }


def _target(network: Network, group: Group) -> str:
    return network.graph.users(group.name)[0]


def _matrix(op: IntSynapses, group: Group) -> npt.NDArray[np.int64]:
    """Weights `(out, in)`, a convolution multiplied out."""
    if not isinstance(op, IntConv):
        return op.weight_q.astype(np.int64)
    inputs = prod(group.source_shape)
    if inputs * prod(group.target) > LARGEST_MATRIX:
        raise UnsupportedError(
            f"layer '{group.name}': a matrix of {prod(group.target)} x {inputs} is too large a file for SANA-FE"
        )
    units = np.eye(inputs).reshape(inputs, *group.source_shape)
    columns = convolve(units, op.weight_q.astype(np.float64), op.windows, op.groups).reshape(inputs, -1)
    return np.rint(columns.T).astype(np.int64)


def _mappings(layers: Layers, placement: Placement) -> Iterator[Tree]:
    for core, held in enumerate(placement.cores):
        where = f"{core // placement.cores_per_tile}.{core % placement.cores_per_tile}"
        unit = 0
        for part in held:
            for neuron in _numbers(part, layers.sources[part.layer]):
                place: list[Tree] = [{"core": where}]
                if part.layer not in layers.neurons:
                    place.append({"soma": f"input[{unit}]"})
                    unit += 1
                yield {f"{part.layer}.{neuron}": place}


def _numbers(part: Part, shape: tuple[int, ...]) -> list[int]:
    """Flat indices of a part's neurons."""
    found: list[int] = np.arange(prod(shape)).reshape(shape)[part.slices].reshape(-1).tolist()
    return found
