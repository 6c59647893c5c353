"""The neurons of one layer: from the fields of a file to the integer machine's numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurodeploy.errors import InputError, UnsupportedError, UsageError
from neurodeploy.frontends.netx.config import Answers
from neurodeploy.frontends.netx.fields import Fields
from neurodeploy.frontends.netx.format import LARGEST_THRESHOLD, NEURON_TYPES, UNIT
from neurodeploy.ir import DECAY_ONE, IntLIF, Shape
from neurodeploy.ir.op import Int64Array
from neurodeploy.network import Note

TRAINING_FIELDS = ("scaleRho", "tauRho")
OTHER_NEURONS = {
    "SDNN": "sigma-delta neurons, which send graded differences",
    "RF": "resonate-and-fire neurons, whose state is complex",
    "RF_PHASE": "resonate-and-fire neurons, whose state is complex",
    "RF_IZ": "resonate-and-fire neurons, whose state is complex",
    "ALIF": "neurons with an adaptive threshold",
    "ADRF": "resonate-and-fire neurons with an adaptive threshold",
    "ADRF_PHASE": "resonate-and-fire neurons with an adaptive threshold",
    "ADRF_IZ": "resonate-and-fire neurons with an adaptive threshold",
}
LARGEST_EXPONENT = 3
"""slayer's batch norm holds its scale within 2^-3..2^3, but writes the exponent it had before."""


@dataclass(frozen=True, slots=True)
class Neurons:
    """What a layer's `neuron` group says.

    `du`, `dv` and `threshold` (vThMant) are int64, one number or `(channels, 1, ...)`; `weight_shift` and
    `bias_shift` are exponents of 2 by which synaptic sums and biases are multiplied.
    """

    du: Int64Array
    dv: Int64Array
    threshold: Int64Array
    refractory: int = 0
    weight_shift: int = 0
    bias_shift: int = 0

    def bias_q(self, bias: Int64Array, where: str) -> Int64Array:
        """Biases of the file in units of the potential; raises `UnsupportedError` where that is no integer."""
        scaled = bias * UNIT
        if self.bias_shift >= 0:
            return scaled << self.bias_shift
        if (scaled & ((1 << -self.bias_shift) - 1)).any():
            raise UnsupportedError(f"{where}: its biases times 2^{self.bias_shift} are no integers")
        return scaled >> -self.bias_shift

    def spiking(self, shape: Shape, bias_q: Int64Array) -> IntLIF:
        """Fire where v > vThMant * 64, then v = 0; a threshold of 0 is v >= 1, the same for integers."""
        threshold_q = self.threshold * UNIT
        above_zero = not threshold_q.all()
        return IntLIF(
            shape,
            self.du,
            self.dv,
            bias_q,
            threshold_q + above_zero,
            "zero",
            "ge" if above_zero else "gt",
            refractory=self.refractory,
        )

    def readout(self, shape: Shape, bias_q: Int64Array) -> IntLIF:
        """The same neurons, which never fire."""
        return IntLIF(shape, self.du, self.dv, bias_q, 0, "none", "gt")


def without_neurons(where: str, answers: Answers, notes: list[Note]) -> Neurons:
    """Neurons that read out a layer which has none."""
    how = answers.ask(
        "readout",
        f"{where}: has no neurons, so how it is read out is open",
        "--set netx.readout=sum (over time, as lava-dl's netx does) or netx.readout=step",
    )
    notes.append(
        Note(where, f"has no neurons: read out as the {how} of its input" + " over time" * (how == "sum"))
    )
    du, dv = (0, DECAY_ONE) if how == "sum" else (DECAY_ONE, DECAY_ONE)
    return Neurons(np.array(du), np.array(dv), np.zeros((), np.int64))


def read_neurons(fields: Fields, shape: Shape, answers: Answers, notes: list[Note]) -> Neurons:
    """Neurons of type CUBA or LOIHI.

    Raises `UnsupportedError` for other types and for what the integer machine does not do, `InputError` for numbers
    out of their range.
    """
    kind = fields.word("type")
    if kind not in NEURON_TYPES:
        meaning = OTHER_NEURONS.get(kind, "which are not known")
        raise UnsupportedError(
            f"{fields.where}: type {kind!r}, {meaning}; supported are {' and '.join(NEURON_TYPES)}"
        )
    du, dv = (_decay(fields, name, shape) for name in ("iDecay", "vDecay"))
    threshold = _threshold(fields, shape)
    refractory = _refractory(fields, answers, notes)
    _refuse_graded(fields)
    weight_shift, bias_shift = _exponents(fields, answers, notes)
    _leave_out(fields, threshold, notes)
    fields.finish()
    return Neurons(du, dv, threshold, refractory, weight_shift, bias_shift)


def is_readout(neurons: Neurons, where: str, answers: Answers, notes: list[Note]) -> bool:
    """True for a last layer whose neurons are there to integrate: their threshold cannot be reached."""
    lowest = int(neurons.threshold.min())
    said = answers.find("output")
    if lowest < LARGEST_THRESHOLD:
        if said == "potential":
            raise UsageError(
                f"netx.output=potential: {where} fires above vThMant {lowest}; its result are its spikes"
            )
        return False
    limit = f"vThMant {lowest} is {'above ' * (lowest > LARGEST_THRESHOLD)}the largest threshold"
    if lowest > LARGEST_THRESHOLD:
        if said == "spikes":
            raise UsageError(
                f"netx.output=spikes: {where} never fires, {limit} that 24 bits of potential reach"
            )
        notes.append(
            Note(where, f"never fires ({limit} that 24 bits of potential reach): its result is the potential")
        )
        return True
    said = answers.ask(
        "output",
        f"{where}: {limit}, so it may be meant to integrate only",
        "--set netx.output=potential or netx.output=spikes",
    )
    notes.append(Note(where, f"{limit}; its result is its {said}, as netx.output says"))
    return bool(said == "potential")


def _parameter(fields: Fields, name: str, shape: Shape) -> Int64Array:
    values = fields.integers(name)
    if values.size == 1:
        return values.reshape(())
    if values.size != shape[0]:
        raise fields.fail(f"{name} holds {values.size} numbers; it must be 1 or {shape[0]}, one a channel")
    return values.reshape(-1, *(1,) * (len(shape) - 1))


def _decay(fields: Fields, name: str, shape: Shape) -> Int64Array:
    values = _parameter(fields, name, shape)
    if values.min() < 0 or values.max() > DECAY_ONE:
        raise fields.fail(f"{name} must be in 0..{DECAY_ONE}, not {values.min()}..{values.max()}")
    return values


def _threshold(fields: Fields, shape: Shape) -> Int64Array:
    values = _parameter(fields, "vThMant", shape)
    if values.min() < 0 or values.max() >= 1 << 24:
        raise fields.fail(f"vThMant must be in 0..{(1 << 24) - 1}, not {values.min()}..{values.max()}")
    return values


def _refractory(fields: Fields, answers: Answers, notes: list[Note]) -> int:
    """Steps of rest after a spike: refDelay counts the step of the spike itself."""
    steps = fields.integer("refDelay") if "refDelay" in fields else 1
    if not 0 <= steps < 1 << 20:
        raise fields.fail(f"refDelay must be in 0..{(1 << 20) - 1}, not {steps}")
    if steps <= 1:
        return 0
    how = answers.ask(
        "ref_delay",
        f"{fields.where}: refDelay is {steps}; a chip holds the potential that long, lava-dl's netx ignores it",
        "--set netx.ref_delay=hold or netx.ref_delay=ignore",
    )
    rest = steps - 1 if how == "hold" else 0
    notes.append(
        Note(fields.where, f"refDelay {steps}: rests for {rest} steps after a spike (netx.ref_delay={how})")
    )
    return rest


def _refuse_graded(fields: Fields) -> None:
    if "gradedSpike" in fields and fields.truth("gradedSpike"):
        raise UnsupportedError(
            f"{fields.where}: gradedSpike: its spikes carry their potential, which is not supported"
        )
    if "messageBits" in fields and fields.integer("messageBits"):
        raise UnsupportedError(
            f"{fields.where}: messageBits: its spikes carry numbers, which is not supported"
        )


def _exponents(fields: Fields, answers: Answers, notes: list[Note]) -> tuple[int, int]:
    """Exponents of weights and of biases: wgtExp multiplies weights; batch norm divides by 2^weight_exp."""
    weights = fields.integer("wgtExp") if "wgtExp" in fields else 0
    norm = fields.integer("weight_exp") if "weight_exp" in fields else 0
    if weights == norm == 0:
        return 0, 0
    named = " and ".join(f"{n} is {v}" for n, v in (("wgtExp", weights), ("weight_exp", norm)) if v)
    how = answers.ask(
        "weight_exp",
        f"{fields.where}: {named}; training scaled by it, lava-dl's netx ignores it",
        "--set netx.weight_exp=apply or netx.weight_exp=ignore",
    )
    notes.append(Note(fields.where, f"{named}: netx.weight_exp={how}"))
    if how == "ignore":
        return 0, 0
    if abs(norm) > LARGEST_EXPONENT or abs(weights) > 15:
        raise InputError(
            f"{fields.where}: {named}; weight_exp must be in -{LARGEST_EXPONENT}..{LARGEST_EXPONENT} (beyond, training "
            "used another than the file says), wgtExp in -15..15"
        )
    return weights - norm, -norm


def _leave_out(fields: Fields, threshold: Int64Array, notes: list[Note]) -> None:
    unused = fields.drop(*TRAINING_FIELDS)
    if unused:
        notes.append(Note(fields.where, f"left out, used in training only: {', '.join(unused)}"))
    if "theta" in fields:
        theta = fields.integers("theta").ravel()
        if not np.array_equal(np.unique(theta), np.unique(threshold * UNIT)):
            notes.append(
                Note(
                    fields.where,
                    f"theta {theta[0]} is not vThMant * {UNIT}; vThMant {threshold.flat[0]} is used",
                )
            )
