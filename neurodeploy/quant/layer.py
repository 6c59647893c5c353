"""One layer, its groups of synapses and the neurons behind them, to integers with one free scale."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import FitError, InputError
from neurodeploy.ir import DECAY_ONE, LIF, IntLIF, IntSynapses, Readout
from neurodeploy.quant.groups import Group, QuantizedGroup, QuantizedGroups, quantize_groups
from neurodeploy.quant.weights import Method
from neurodeploy.semantics import CURRENT_SHIFT, Registers, bounds

HEADROOM_BITS = 3
"""How many low bits of a synaptic sum may be given up only to prove that no potential can overflow."""
LARGEST_SHIFT = 24
FINEST = 32
"""Least number of units of a that a threshold is worth, unless the weights themselves are coarser."""
LEVELS_ALONE = 32
"""Units of a that make the threshold of neurons without synapses, which have no weights to give a scale."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Largest bias and threshold that the target's neurons hold."""

    bias: int
    threshold: int

    def hold(self, neurons: IntLIF) -> bool:
        """True where every bias and threshold is within the limits."""
        return (
            int(np.abs(neurons.bias_q).max()) <= self.bias
            and int(neurons.threshold_q.max()) <= self.threshold
        )


ANY = Limits(1 << 50, 1 << 50)
"""No limit that matters."""


@dataclass(frozen=True, slots=True)
class QuantizedLayer:
    """The integer layer and what was lost. One unit of a stands for `unit` of the real current."""

    synapses: Mapping[str, IntSynapses]
    neurons: IntLIF
    groups: Mapping[str, QuantizedGroup]
    unit: float

    def losses(self, name: str, neurons: LIF | Readout) -> Iterator[tuple[str, str]]:
        """(layer, what happened) for each number that was changed; `name` is that of the neurons."""
        for group, made in self.groups.items():
            w, exponent = made.weight, self.synapses[group].exponent
            yield group, f"weights at {w.scale:.6g} a step, SQNR {w.sqnr_db:.1f} dB, {w.clipped} clipped"
            if exponent < 0:
                yield (
                    group,
                    f"sums shifted right by {-exponent} bits to fit the registers and the other synapses",
                )
            if exponent > 0:
                yield group, f"sums shifted left by {exponent} bits to fit the other synapses"
        q = self.neurons
        yield name, f"decay {_span(neurons.decay)} -> {_kept(q.dv)}"
        if neurons.current_decay.any():
            yield name, f"current decay {_span(neurons.current_decay)} -> {_kept(q.du)}"
        step = self.unit / (1 << CURRENT_SHIFT)
        if isinstance(neurons, LIF):
            threshold = f"threshold {_span(neurons.threshold)} -> {_span(q.threshold_q)}"
            yield name, f"{threshold} (worth {_span(q.threshold_q * step)})"
        yield name, f"bias rounded by at most {_error(q.bias_q * step, neurons.bias):.3g}"
        if not isinstance(neurons, LIF):
            return
        if neurons.initial.any():
            yield (
                name,
                f"initial potential rounded by at most {_error(q.initial_q * step, neurons.initial):.3g}",
            )
        if neurons.reset_by is not None:
            error = _error(q.subtracts_q * step, neurons.reset_by)
            yield name, f"what a spike takes away rounded by at most {error:.3g}"
        if neurons.v_min is not None and q.v_min_q is not None:
            yield name, f"least potential rounded by at most {_error(q.v_min_q * step, neurons.v_min):.3g}"


def _error(made: npt.NDArray[Any], wanted: npt.NDArray[Any]) -> float:
    return float(np.abs(made - wanted).max(initial=0.0))


def _span(values: npt.NDArray[Any]) -> str:
    low, high = f"{values.min():.9g}", f"{values.max():.9g}"
    return low if low == high else f"{low}..{high}"


def _kept(d: npt.NDArray[np.int64]) -> str:
    kept = DECAY_ONE - d
    return f"{_span(kept / DECAY_ONE)} ({_span(kept)}/4096)"


def quantize_layer(
    groups: Mapping[str, Group],
    neurons: LIF | Readout,
    methods: Mapping[str, Method],
    registers: Registers,
    steps: int,
    limits: Limits = ANY,
) -> QuantizedLayer:
    """Round the weights, choose the shift, fold the scale into threshold and bias.

        weight ~ scale * weight_q,   unit = scale / levels * 2^shift                  for each group of synapses
        threshold_q = round(64 threshold / unit), likewise bias, initial, reset_by and v_min
        dv = round(4096 (1 - decay)),   du = round(4096 (1 - current_decay))

    The shift is the smallest for which a and u cannot leave the register of u, whatever the input, for which v can
    reach the threshold, and for which biases and thresholds are within `limits`; up to `HEADROOM_BITS` more are
    taken where that also keeps v in its register. But the threshold stays worth `FINEST` units of a: where proof
    would cost more, the largest shift that keeps this is taken, and overflows are left to be counted.

    Raises `FitError` if the threshold rounds to nothing, or no shift is enough.
    """
    if groups:
        made = quantize_groups(groups, methods)
    else:
        made = QuantizedGroups({}, float(getattr(neurons, "threshold", np.ones(())).min()) / LEVELS_ALONE)

    def shifted(shift: int) -> QuantizedLayer:
        unit = made.unit * 2.0**shift
        synapses = {name: group.synapses(shift) for name, group in made.groups.items()}
        return QuantizedLayer(synapses, _neurons(neurons, unit), made.groups, unit)

    tried = [_Tried(layer, groups, registers, steps) for layer in _coarser(shifted, bool(groups))]
    legal = [one for one in tried if one.reachable and limits.hold(one.layer.neurons)]
    fine = [one for one in legal if one.is_fine] or legal[:1]
    least = next((i for i, one in enumerate(fine) if one.current_is_proven), None)
    if not fine or (least is None and len(fine) == len(legal)):
        raise FitError(
            f"synaptic sums exceed {registers.u.bits} bits, or threshold or bias what the target holds, "
            f"even shifted by {len(tried) - 1}"
        )
    if least is None:
        return fine[-1].layer
    more = fine[least : least + HEADROOM_BITS + 1]
    return next((one for one in more if one.potential_is_proven), more[0]).layer


def _coarser(shifted: Callable[[int], QuantizedLayer], has_synapses: bool) -> Iterator[QuantizedLayer]:
    """The layer with ever coarser units, until the threshold rounds to nothing or no exponent is left."""
    yield shifted(0)
    for shift in range(1, LARGEST_SHIFT + 1 if has_synapses else 1):
        try:
            yield shifted(shift)
        except (FitError, InputError):
            return


class _Tried:
    """One choice of the shift, and what can be proved of it."""

    def __init__(
        self, layer: QuantizedLayer, groups: Mapping[str, Group], registers: Registers, steps: int
    ) -> None:
        self.layer, self._groups, self._registers, self._steps = layer, groups, registers, steps

    @property
    def reachable(self) -> bool:
        """v can reach the threshold."""
        return int(self.layer.neurons.fire_at.max()) <= self._registers.v.high

    @property
    def is_fine(self) -> bool:
        """The threshold is worth enough units of a."""
        op = self.layer.neurons
        return op.reset == "none" or int(op.threshold_q.min()) >= FINEST << CURRENT_SHIFT

    @cached_property
    def _reached(self) -> bounds.NeuronBounds:
        zero = np.zeros((), np.int64)
        inputs = {name: group.inputs for name, group in self._groups.items()}
        each = (bounds.sums(op, inputs[k].low, inputs[k].high) for k, op in self.layer.synapses.items())
        return bounds.neurons(self.layer.neurons, sum(each, bounds.Interval(zero, zero)), self._steps)

    @property
    def current_is_proven(self) -> bool:
        """No input can make u overflow."""
        return self._reached.u.magnitude <= self._registers.u.high

    @property
    def potential_is_proven(self) -> bool:
        """No input can make v overflow."""
        return self._reached.v.magnitude <= self._registers.v.high


def _neurons(neurons: LIF | Readout, unit: float) -> IntLIF:
    per_unit = (1 << CURRENT_SHIFT) / unit
    du, dv = (
        np.rint(DECAY_ONE * (1 - decay)).astype(np.int64) for decay in (neurons.current_decay, neurons.decay)
    )
    bias_q = _rounded(neurons.bias * per_unit)
    if isinstance(neurons, Readout):
        return IntLIF(neurons.shape, du, dv, bias_q, 0, "none")
    threshold_q, reset_by_q = (_rounded(value * per_unit) for value in (neurons.threshold, neurons.subtracts))
    if min(threshold_q.min(), reset_by_q.min()) < 1:
        raise FitError(
            f"threshold {neurons.threshold.min():.6g} is less than half of the smallest step of the potential "
            f"({unit / (1 << CURRENT_SHIFT):.3g}); its weights are too large for it to matter"
        )
    return IntLIF(
        neurons.shape,
        du,
        dv,
        bias_q,
        threshold_q,
        neurons.reset,
        neurons.compare,
        neurons.clear_current,
        _rounded(neurons.initial * per_unit),
        None if neurons.reset_by is None else reset_by_q,
        None if neurons.v_min is None else _rounded(neurons.v_min * per_unit),
        neurons.max_spikes,
        neurons.refractory,
    )


def _rounded(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    rounded: npt.NDArray[np.float64] = np.rint(values.astype(np.float64))
    return rounded
