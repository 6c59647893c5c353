"""What to try against the largest loss: settings of the compiler.

For weights, in this order: another end of the grid, where it is measured to be better; more bits; rounding that makes
up for errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from neurodeploy.compare.dequantize import dequantized
from neurodeploy.compare.layers import decibel
from neurodeploy.ir import Conv, Dense, Graph, IntSynapses
from neurodeploy.network import Network
from neurodeploy.quant.record import recorded
from neurodeploy.quant.weights import Method, quantize_weight
from neurodeploy.semantics import signed_bits

MOST_BITS = 8
"""Bits of the weights of the integer dialect."""
WORTH_DB = 3.0
"""Gain of another end of the grid that is worth trying before more bits; a bit is worth 6 dB."""


@dataclass(frozen=True, slots=True)
class Advice:
    """`settings` of the compiler to try, by path such as 'quant.clip'; `why` says what they would change.

    Without settings there is nothing to set that would help; `why` says what is known.
    """

    why: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    check_passes: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def advise(graph: Graph, network: Network, layer: str, stage: str, overflows: int) -> Advice:
    """Against the loss of the neurons `layer` at `stage`; `graph` is the lowered float one."""
    if stage == "lowered":
        return Advice("folding changes nothing but the order of float sums; the check says where", {}, True)
    if stage == "input":
        finer = 4 * network.input.levels
        return Advice(
            f"the input has {network.input.levels:.6g} integer steps a unit", {"input.levels": finer}
        )
    if stage == "weights":
        return _weights(graph, network, layer)
    return _machine(network, layer, overflows)


def _weights(graph: Graph, network: Network, layer: str) -> Advice:
    meant, groups = dequantized(graph, network), graph.sources(layer)
    if not groups:
        return Advice(
            "these neurons have no weights; threshold, bias and decay are as fine as the chip allows"
        )
    sqnr = {name: _sqnr(graph.op(name), meant.op(name)) for name in groups}
    worst = min(sqnr, key=lambda name: sqnr[name])
    op, bits, settings = graph.op(worst), _bits(network, worst), _settings(network)
    if isinstance(op, (Dense, Conv)):
        best = quantize_weight(op.weight, Method(bits, "mse")).sqnr_db
        if settings.get("clip") != "mse" and best >= sqnr[worst] + WORTH_DB:
            largest = float(np.abs(op.weight).max() / np.sqrt(np.square(op.weight).mean()))
            why = (
                f"the weights of {worst} have an SQNR of {sqnr[worst]:.1f} dB at {bits} bits, since the largest is "
                f"{largest:.0f} times their root mean square; a grid that ends earlier gives {best:.1f} dB"
            )
            return Advice(why, {"quant.clip": "mse"})
    if bits < MOST_BITS:
        why = (
            f"the weights of {worst} have an SQNR of {sqnr[worst]:.1f} dB at {bits} bits; a bit is worth 6 dB"
        )
        return Advice(why, {"quant.layers": {**settings.get("layers", {}), worst: MOST_BITS}})
    if settings.get("rounding") != "gptq":
        why = (
            f"the weights of {worst} have an SQNR of {sqnr[worst]:.1f} dB at {bits} bits, the most there are"
        )
        return Advice(why, {"quant.rounding": "gptq"})
    return Advice(f"the weights of {worst} have {bits} bits, the most there are, and are rounded by gptq")


def _sqnr(op: Any, meant: Any) -> float:
    weight = op.weight.astype(np.float64)
    return decibel(float(np.square(weight).sum()), float(np.square(weight - meant.weight).sum()))


def _settings(network: Network) -> Mapping[str, Any]:
    config = network.provenance.get("config", {})
    quant = config.get("quant", {}) if isinstance(config, Mapping) else {}
    return quant if isinstance(quant, Mapping) else {}


def _bits(network: Network, synapses: str) -> int:
    """Bits that the group was given, or those that its integers need."""
    given = recorded(network, synapses).get("bits")
    op = network.graph.op(synapses)
    if isinstance(given, int) and 2 <= given <= MOST_BITS:
        return given
    return max(2, signed_bits(op.weight_q)) if isinstance(op, IntSynapses) else MOST_BITS


def _machine(network: Network, layer: str, overflows: int) -> Advice:
    groups = network.graph.sources(layer)
    if overflows and groups:
        bits = max(_bits(network, name) for name in groups)
        layers = _settings(network).get("layers", {})
        why = f"{overflows} values of u or v left their registers; coarser weights make smaller sums"
        return Advice(why, {"quant.layers": {**layers, **dict.fromkeys(groups, max(2, bits - 1))}})
    shifts = {name: -op.exponent for name in groups if isinstance(op := network.graph.op(name), IntSynapses)}
    shifted = [f"{name} by {bits} bits" for name, bits in shifts.items() if bits > 0]
    if shifted:
        return Advice(f"sums are shifted right to fit the registers: {', '.join(shifted)}")
    return Advice("decays round the potential toward zero in every step; no setting changes that")
