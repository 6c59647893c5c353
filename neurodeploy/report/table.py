"""One row a layer of neurons: what it is, what rounding cost it, and what it did."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from neurodeploy.compare.health import Health, LayerHealth
from neurodeploy.compare.layers import LayerComparison
from neurodeploy.ir import DECAY_ONE, IntLIF, IntSynapses
from neurodeploy.network import Network
from neurodeploy.passes import layer_ranges
from neurodeploy.quant.record import recorded
from neurodeploy.semantics import signed_bits


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
        "threshold_q": int(op.threshold_q.min()) if one.spiking else None,
        "threshold_q_high": int(op.threshold_q.max()) if one.spiking else None,
        "reset": op.reset,
        "compare": op.compare if one.spiking else None,
        "kept_u": DECAY_ONE - int(op.du.max()),
        "kept_v": DECAY_ONE - int(op.dv.max()),
        "bias_low": int(op.bias_q.min()),
        "bias_high": int(op.bias_q.max()),
        "rate": one.rate,
        "dead": len(one.dead),
        "duplicates": sum(len(group) - 1 for group in one.duplicates),
        "always_on": len(one.always_on),
        **{key: state[key] for key in ("overflows", "weights_at_ends", "weights_clipped")},
        **{key: state[key] for key in ("membrane_low", "membrane_high")},
        **{key: state[key] for key in ("register_bits", "headroom_bits")},
        "against_float": None if against is None else against.to_dict(),
    }


def _synapses(network: Network, name: str) -> dict[str, Any]:
    op = network.graph.op(name)
    if not isinstance(op, IntSynapses):
        return {"layer": name, "op": op.kind}
    return {
        "layer": name,
        "op": op.kind.removeprefix("int_"),
        "shape": list(op.weight_q.shape),
        "weights": op.weight_q.size,
        "bits": signed_bits(op.weight_q),
        "exponent": op.exponent,
        **_rounding(network, name),
    }


def _rounding(network: Network, name: str) -> dict[str, Any]:
    """Scale and SQNR as the compiler recorded them; unknown (None) for weights that changed by learning."""
    found = recorded(network, name)
    rounding = {key: found.get(key) for key in ("scale", "sqnr_db", "exact", "clipped")}
    if name in network.learning.get("layers", ()):
        rounding |= {"sqnr_db": None, "exact": None}
    return rounding


def range_rows(network: Network) -> list[dict[str, Any]]:
    """What no input can exceed, by layer, and whether that proves that nothing overflows."""
    found = layer_ranges(network.graph, network.registers, network.steps)
    return [asdict(one) | {"proven": one.proven, "headroom_bits": one.headroom_bits} for one in found]


def weight_rows(network: Network) -> list[dict[str, Any]]:
    """How many weights have each integer value, from the lowest to the highest that the bits can hold."""
    rows = []
    for name, op in network.graph.of(IntSynapses).items():
        bits = signed_bits(op.weight_q)
        low = -(1 << (bits - 1))
        counts = np.bincount(op.weight_q.reshape(-1).astype(np.int64) - low, minlength=1 << bits)
        rows.append({"layer": name, "bits": bits, "low": low, "counts": counts.tolist()})
    return rows
