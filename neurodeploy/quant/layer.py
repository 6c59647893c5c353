"""One layer, synapses and the neurons behind them, to integers with one free scale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurodeploy.errors import FitError
from neurodeploy.ir import DECAY_ONE, LIF, Dense, IntDense, IntLIF, Readout
from neurodeploy.quant.weights import QuantizedWeight, quantize_weight
from neurodeploy.semantics import CURRENT_SHIFT, Registers, bounds

HEADROOM_BITS = 3
"""How many low bits of a synaptic sum may be given up only to prove that no potential can overflow."""
LARGEST_SHIFT = 24


@dataclass(frozen=True, slots=True)
class InputRange:
    """Integers that reach a layer, and how many of them make 1.0: spikes are 0..1 and 1 level."""

    low: int
    high: int
    levels: float


@dataclass(frozen=True, slots=True)
class QuantizedLayer:
    """The integer layer and what was lost. One unit of a stands for `unit` of the real current."""

    synapses: IntDense
    neurons: IntLIF
    weight: QuantizedWeight
    unit: float

    def losses(self, dense: Dense, neurons: LIF | Readout) -> Iterator[tuple[bool, str]]:
        """(True for the synapses, False for the neurons; what happened), one for each number that was changed."""
        w, q = self.weight, self.neurons
        yield True, f"weights at {w.scale:.6g} a step, SQNR {w.sqnr_db:.1f} dB, {w.clipped} clipped"
        if self.synapses.exponent:
            yield True, f"sums shifted right by {-self.synapses.exponent} bits to fit the registers"
        kept = 1 - q.dv / DECAY_ONE
        yield False, f"decay {neurons.decay:.9g} -> {kept:.9g} ({DECAY_ONE - q.dv}/4096)"
        if isinstance(neurons, LIF):
            back = q.threshold_q * self.unit / (1 << CURRENT_SHIFT)
            yield False, f"threshold {neurons.threshold:.6g} -> {q.threshold_q} (worth {back:.9g})"
        error = np.abs(q.bias_q * self.unit / (1 << CURRENT_SHIFT) - dense.bias).max(initial=0.0)
        yield False, f"bias rounded by at most {error:.3g}"


def quantize_layer(
    dense: Dense, neurons: LIF | Readout, inputs: InputRange, bits: int, registers: Registers, steps: int
) -> QuantizedLayer:
    """Round the weights, choose the shift, fold the scale into threshold and bias.

        weight ~ scale * weight_q,   unit = scale / levels * 2^shift
        threshold_q = round(64 threshold / unit),   bias_q = round(64 bias / unit),   dv = round(4096 (1 - decay))

    The shift is the smallest for which a and u cannot leave the register of u, whatever the input, and for which
    v can reach the threshold; up to `HEADROOM_BITS` more are taken where that also keeps v in its register.

    Raises `FitError` if the threshold rounds to nothing, or no shift is enough.
    """
    weight = quantize_weight(dense.weight, bits)

    def shifted(shift: int) -> QuantizedLayer:
        unit = weight.scale / inputs.levels * 2.0**shift
        return QuantizedLayer(IntDense(weight.weight_q, -shift), _neurons(neurons, dense, unit), weight, unit)

    def fits(layer: QuantizedLayer, with_potential: bool) -> bool:
        current = bounds.sums(layer.synapses, inputs.low, inputs.high)
        limits = bounds.neurons(layer.neurons, current, steps)
        within = limits.u.magnitude <= registers.u.high and layer.neurons.fire_at <= registers.v.high
        return within and (not with_potential or limits.v.magnitude <= registers.v.high)

    least = next((shift for shift in range(LARGEST_SHIFT) if fits(shifted(shift), False)), None)
    if least is None:
        raise FitError(
            f"synaptic sums exceed {registers.u.bits} bits, or the threshold {registers.v.bits}, even shifted by "
            f"{LARGEST_SHIFT}"
        )
    for shift in range(least, least + HEADROOM_BITS + 1):
        if fits(shifted(shift), True):
            return shifted(shift)
    return shifted(least)


def _neurons(neurons: LIF | Readout, dense: Dense, unit: float) -> IntLIF:
    per_unit = (1 << CURRENT_SHIFT) / unit
    bias_q = np.rint(dense.bias.astype(np.float64) * per_unit)
    dv = round(DECAY_ONE * (1 - neurons.decay))
    if isinstance(neurons, Readout):
        return IntLIF(neurons.shape, DECAY_ONE, dv, bias_q, 0, "none")
    threshold_q = round(neurons.threshold * per_unit)
    if threshold_q < 1:
        raise FitError(
            f"threshold {neurons.threshold:.6g} is less than half of the smallest step of the potential "
            f"({unit / (1 << CURRENT_SHIFT):.3g}); its weights are too large for it to matter"
        )
    return IntLIF(neurons.shape, DECAY_ONE, dv, bias_q, threshold_q, neurons.reset, neurons.compare)
