"""One row a layer of neurons: what it is, what rounding cost it, and what it did."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

import numpy as np

from neurodeploy.compare.health import Health, LayerHealth
from neurodeploy.compare.layers import LayerComparison
from neurodeploy.ir import DECAY_ONE, IntDense, IntLIF
from neurodeploy.network import Network
from neurodeploy.passes import layer_ranges
from neurodeploy.semantics import signed_bits

WEIGHT_NOTE = re.compile(r"weights at (\S+) a step, SQNR (\S+) dB, (\d+) clipped")
"""The note that `neurodeploy.quant.layer` leaves for each group of synapses."""


def layer_rows(
    network: Network, state: Health, compared: tuple[LayerComparison, ...] | None
) -> list[dict[str, Any]]:
    """The layer table; `compared` is None without a float model."""
    against = {one.layer: one for one in compared or ()}
    return [_row(network, one, network.neurons[one.layer], against.get(one.layer)) for one in state.layers]


def _row(network: Network, one: LayerHealth, op: IntLIF, against: LayerComparison | None) -> dict[str, Any]:
    state = one.to_dict()
    return {
        "layer": one.layer,
        "op": "lif" if one.spiking else "readout",
        "shape": list(op.shape),
        "synapses": [_synapses(network, name) for name in network.graph.sources(one.layer)],
        "threshold_q": op.threshold_q if one.spiking else None,
        "reset": op.reset,
        "compare": op.compare if one.spiking else None,
        "kept_u": DECAY_ONE - op.du,
        "kept_v": DECAY_ONE - op.dv,
        "bias_low": int(op.bias_q.min()),
        "bias_high": int(op.bias_q.max()),
        "rate": one.rate,
        "dead": len(one.dead),
        "always_on": len(one.always_on),
        **{key: state[key] for key in ("overflows", "weights_at_ends", "membrane_low", "membrane_high")},
        **{key: state[key] for key in ("register_bits", "headroom_bits")},
        "against_float": None if against is None else against.to_dict(),
    }


def _synapses(network: Network, name: str) -> dict[str, Any]:
    op = network.graph.op(name)
    if not isinstance(op, IntDense):
        return {"layer": name, "op": op.kind}
    return {
        "layer": name,
        "op": "dense",
        "shape": list(op.weight_q.shape),
        "weights": op.weight_q.size,
        "bits": signed_bits(op.weight_q),
        "exponent": op.exponent,
        **_rounding(network, name),
    }


def _rounding(network: Network, name: str) -> dict[str, Any]:
    """Scale and SQNR as the compiler noted them; unknown (None) for weights that changed by learning."""
    found = next((m for n in network.notes if n.layer == name and (m := WEIGHT_NOTE.match(n.what))), None)
    if found is None:
        return {"scale": None, "sqnr_db": None, "exact": None, "clipped": None}
    scale, sqnr, clipped = float(found[1]), float(found[2]), int(found[3])
    if network.learning.get("layer") == name:
        return {"scale": scale, "sqnr_db": None, "exact": None, "clipped": clipped}
    exact = sqnr == float("inf")
    return {"scale": scale, "sqnr_db": None if exact else sqnr, "exact": exact, "clipped": clipped}


def range_rows(network: Network) -> list[dict[str, Any]]:
    """What no input can exceed, by layer, and whether that proves that nothing overflows."""
    found = layer_ranges(network.graph, network.registers, network.steps)
    return [asdict(one) | {"proven": one.proven, "headroom_bits": one.headroom_bits} for one in found]


def weight_rows(network: Network) -> list[dict[str, Any]]:
    """How many weights have each integer value, from the lowest to the highest that the bits can hold."""
    rows = []
    for name, op in network.graph.of(IntDense).items():
        bits = signed_bits(op.weight_q)
        low = -(1 << (bits - 1))
        counts = np.bincount(op.weight_q.reshape(-1).astype(np.int64) - low, minlength=1 << bits)
        rows.append({"layer": name, "bits": bits, "low": low, "counts": counts.tolist()})
    return rows
