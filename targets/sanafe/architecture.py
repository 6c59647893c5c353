"""The cores of a placement as an architecture file of SANA-FE."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from neurodeploy.chip import Chip, Limit
from neurodeploy.cost import Placement
from neurodeploy.errors import UnsupportedError
from neurodeploy.resources import Layers

Tree = dict[str, Any]
NEURONS = 1024
"""Most neurons of one unit in SANA-FE's own models."""
LINK_BUFFER = 16
"""Flits; only SANA-FE's detailed timing reads it."""


def architecture(chip: Chip, network: Layers, placement: Placement) -> Tree:
    """The tiles that are in use, with the chip's coefficients; the mesh is wider than the chip's where the cores of the
    input have no place on it.

    Raises `UnsupportedError` where one of the coefficients is not public.
    """
    mesh = chip.chip.mesh.value
    if mesh is None:
        raise UnsupportedError(f"{chip.id} has no mesh of tiles; SANA-FE needs one")
    table = _value(chip.costs.latency.barrier, "costs.latency.barrier", chip)
    attributes: Tree = {
        "topology": "mesh",
        "width": max(mesh[1], placement.tile(len(placement.cores) - 1)[0] + 1),
        "height": mesh[0],
        "link_buffer_size": LINK_BUFFER,
        "sync_model": "table",
        "latency_sync": dict(table),
    }
    return {
        "architecture": {
            "name": chip.id,
            "attributes": attributes,
            "tile": list(_tiles(chip, network, placement)),
        }
    }


def _tiles(chip: Chip, network: Layers, placement: Placement) -> Iterator[Tree]:
    per_tile, used = placement.cores_per_tile, len(placement.cores)
    for tile in range(-(-used // per_tile)):
        cores = range(tile * per_tile, min((tile + 1) * per_tile, used))
        yield {
            "name": f"tile{tile}",
            "attributes": _hops(chip),
            "core": [
                _core(chip, core - tile * per_tile, _inputs(network, placement, core)) for core in cores
            ],
        }


def _inputs(network: Layers, placement: Placement, core: int) -> int:
    """Input neurons on a core."""
    return sum(part.neurons for part in placement.cores[core] if part.layer not in network.neurons)


def _hops(chip: Chip) -> Tree:
    energy = chip.costs.energy
    x, y = _value(energy.hop_x, "costs.energy.hop_x", chip), _value(energy.hop_y, "costs.energy.hop_y", chip)
    sides = {"east": x, "west": x, "north": y, "south": y}
    found: Tree = {f"energy_{side}_hop": joules for side, joules in sides.items()}
    return found | {f"latency_{side}_hop": 0.0 for side in sides}


def _core(chip: Chip, number: int, inputs: int) -> Tree:
    somas = [{"name": "lif", "attributes": {"model": "leaky_integrate_fire", **_soma(chip)}}]
    if inputs:
        free = dict.fromkeys(_soma(chip), 0.0)
        somas.append({"name": f"input[0..{inputs - 1}]", "attributes": {"model": "input", **free}})
    return {
        "name": f"core{number}",
        "attributes": {
            "buffer_position": "soma",
            "buffer_inside_unit": False,
            "max_neurons_supported": NEURONS,
        },
        "axon_in": [{"name": "axon_in", "attributes": _axon(chip, "packet_in", "in")}],
        "synapse": [
            {"name": kind, "attributes": _synapse(chip, kind)} for kind in ("dense", "sparse", "conv")
        ],
        "dendrite": [
            {
                "name": "dendrite",
                "attributes": {"model": "accumulator", "energy_update": 0.0, "latency_update": 0.0},
            }
        ],
        "soma": somas,
        "axon_out": [{"name": "axon_out", "attributes": _axon(chip, "packet", "out")}],
    }


def _soma(chip: Chip) -> Tree:
    found: Tree = {}
    for ours, theirs in (
        ("neuron_access", "access_neuron"),
        ("neuron_update", "update_neuron"),
        ("spike", "spike_out"),
    ):
        found |= _pair(chip, ours, theirs)
    return found


def _synapse(chip: Chip, kind: str) -> Tree:
    return {"model": "current_based", **_pair(chip, f"synapse_{kind}", "process_spike")}


def _axon(chip: Chip, name: str, way: str) -> Tree:
    energy = 0.0 if way == "in" else _value(chip.costs.energy.packet, "costs.energy.packet", chip)
    latency = _value(getattr(chip.costs.latency, name), f"costs.latency.{name}", chip)
    return {f"energy_message_{way}": energy, f"latency_message_{way}": latency}


def _pair(chip: Chip, ours: str, theirs: str) -> Tree:
    energy = _value(getattr(chip.costs.energy, ours), f"costs.energy.{ours}", chip)
    latency = _value(getattr(chip.costs.latency, ours), f"costs.latency.{ours}", chip)
    return {f"energy_{theirs}": energy, f"latency_{theirs}": latency}


def _value(limit: Limit[Any], path: str, chip: Chip) -> Any:
    if limit.value is None:
        raise UnsupportedError(f"{path} of {chip.id} is not public; SANA-FE needs it")
    return limit.value
