"""The record of a quantization: what the integers of every layer stand for, as JSON values by name.

A network's provenance holds it as `layers`: for each group of synapses its `scale` (the real weight that one integer
step is worth), `bits` it was given, `sqnr_db` (None where `exact`) and how many weights were `clipped`; for each layer
of neurons its `unit` (the real potential that one integer step is worth), and `fit` where biases, decays and thresholds
were chosen together (`neurodeploy.quant.fit`).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from neurodeploy.errors import InputError
from neurodeploy.network import Network
from neurodeploy.quant.layer import QuantizedLayer
from neurodeploy.quant.weights import Method
from neurodeploy.semantics import CURRENT_SHIFT

Record = dict[str, dict[str, Any]]


def layer_record(name: str, layer: QuantizedLayer, methods: Mapping[str, Method]) -> Record:
    """The record of the layer of neurons called `name` and of its groups of synapses."""
    record: Record = {}
    for group, made in layer.groups.items():
        w = made.weight
        record[group] = {
            "scale": w.scale,
            "bits": methods[group].bits,
            "sqnr_db": w.sqnr_db if isfinite(w.sqnr_db) else None,
            "exact": w.error == 0.0,
            "clipped": w.clipped,
        }
    return {**record, name: {"unit": layer.unit / (1 << CURRENT_SHIFT)}}


def recorded(network: Network, name: str) -> Mapping[str, Any]:
    """What was recorded of one layer; empty for a network that was made of integers in the first place."""
    layers = network.provenance.get("layers", {})
    found = layers.get(name, {}) if isinstance(layers, Mapping) else {}
    if not isinstance(found, Mapping):
        raise InputError(f"layer '{name}': its record in the artefact is not a table but {found!r}")
    return found


def recorded_unit(network: Network, name: str) -> float | None:
    """Real potential that one integer step of these neurons is worth, None where it was not recorded."""
    unit = recorded(network, name).get("unit")
    if unit is None:
        return None
    if not isinstance(unit, (int, float)) or not isfinite(unit) or unit <= 0:
        raise InputError(f"layer '{name}': the recorded unit of its potential must be positive, not {unit!r}")
    return float(unit)
