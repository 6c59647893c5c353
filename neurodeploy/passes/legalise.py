"""Make every number of the graph one that the target can hold, or say which cannot be."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from neurodeploy.chip import Chip
from neurodeploy.errors import FitError
from neurodeploy.ir import DECAY_ONE, Delay, Graph, IntInput, IntLIF, Op
from neurodeploy.ir.op import Compare, Int64Array
from neurodeploy.network import Note
from neurodeploy.passes.base import Notes

DECAYS: dict[str, Callable[[str], Container[int]]] = {
    "any": lambda _: range(DECAY_ONE + 1),
    "shift": lambda _: [0, *(DECAY_ONE >> k for k in range(DECAY_ONE.bit_length()))],
    "none": lambda field: [DECAY_ONE if field == "du" else 0],
}
"""Values of dv and du that a chip has: of 'none' v keeps everything and u nothing."""
WORDS = {"any": "any", "shift": "4096/2^k", "none": "neither a leak of v nor a memory of u"}


@dataclass(frozen=True, slots=True)
class Legalise:
    """Integer graph -> integer graph within the limits of `chip`.

    1. A reset must be one that the target's neurons have.
    2. A threshold must not exceed the largest that the target compares with, nor the register of v.
    3. A bias is rounded to mantissa * 2^exponent, one exponent a layer, the smallest that holds the largest bias.
    4. A graded input must fit the payload of a spike.
    5. With a step n > 1, of the target or asked for by `threshold_step`, neurons fire above a multiple of n ('gt'), the
       nearest to their threshold, at least n: Lava's own LIF holds thresholds in multiples of 64. Where the target
       has not the comparison of the neurons they get the other, at the same potentials.
    6. Decays must be of a kind that the target has; delays, refractory times and spikes a step must not be too many.
    """

    name: ClassVar[str] = "legalise"
    chip: Chip
    threshold_step: int = 1

    def apply(self, graph: Graph, notes: Notes) -> Graph:
        """See the class; raises `FitError` that names the layer, the number and the limit."""
        for name, op in graph.of(IntInput).items():
            self._check_input(name, op)
        for name, delay in graph.of(Delay).items():
            self._check_most(name, "a delay", delay.steps, self.chip.synapse.delay_max.value, "steps")
        legal: dict[str, Op] = {name: self._neurons(name, op, notes) for name, op in graph.of(IntLIF).items()}
        return graph.replaced(legal)

    def _check_input(self, name: str, op: IntInput) -> None:  # rule 4
        bits = self.chip.spike.graded_bits.value
        largest = max(-op.low, op.high)
        if largest >= 1 << (bits - 1) and largest > 1:
            hint = (
                "" if bits > 1 else f"; spikes of {self.chip.id} are binary: give event data or binary pixels"
            )
            raise FitError(
                f"layer '{name}': inputs of up to {largest} do not fit {bits} bits of payload{hint}"
            )

    def _neurons(self, name: str, op: IntLIF, notes: Notes) -> IntLIF:
        if op.reset not in self.chip.resets:  # rule 1
            raise FitError(
                f"layer '{name}': reset '{op.reset}' is not one of {self.chip.id}'s ({', '.join(self.chip.resets)})"
            )
        op = self._stepped(name, op, notes)
        self._check_decays(name, op)
        self._check_most(
            name, "a refractory time", op.refractory, self.chip.neuron.refractory_max.value, "steps"
        )
        self._check_most(name, "a neuron", op.max_spikes, self.chip.spike.per_step.value, "spikes a step")
        limit = self.chip.threshold_max
        largest = int(op.threshold_q.max())
        if largest > limit:  # rule 2
            raise FitError(
                f"layer '{name}': the threshold becomes {largest}, {self.chip.id} holds at most {limit} "
                f"({largest / limit:.2g} times too large): its weights are small against the threshold; "
                "try fewer --bits, or scale weights and threshold together"
            )
        return replace(op, bias_q=self._bias(name, op, notes))

    def _stepped(self, name: str, op: IntLIF, notes: Notes) -> IntLIF:  # rule 5
        neuron = self.chip.neuron
        step = max(self.threshold_step, neuron.threshold_step.value)
        if op.reset == "none" or (step == 1 and op.compare in neuron.compares.value):
            return op
        compare: Compare = "gt" if "gt" in neuron.compares.value else "ge"
        edge = op.fire_at - (compare == "gt")
        stepped = np.maximum(np.rint(edge / step), 1).astype(np.int64) * step
        moved = np.abs(stepped - edge)
        share = float((moved / np.maximum(edge, 1)).max())
        where = "above" if compare == "gt" else "from"
        notes.append(
            Note(
                name, f"fires {where} multiples of {step}: moved by up to {moved.max()} ({100 * share:.2g} %)"
            )
        )
        takes = op.subtracts_q if step == 1 and op.reset == "subtract" else op.reset_by_q
        return replace(op, threshold_q=stepped, reset_by_q=takes, compare=compare)

    def _check_most(self, name: str, what: str, value: int, limit: int, unit: str) -> None:  # rule 6
        if value > limit:
            raise FitError(f"layer '{name}': {what} of {value} {unit}; {self.chip.id} has at most {limit}")

    def _check_decays(self, name: str, op: IntLIF) -> None:  # rule 6
        allowed = {"dv": self.chip.neuron.decays.value, "du": self.chip.neuron.currents.value}
        for field, kind in allowed.items():
            bad = [d for d in np.unique(getattr(op, field)).tolist() if d not in DECAYS[kind](field)]
            if bad:
                raise FitError(
                    f"layer '{name}': {field} {bad[0]}/4096 is not a decay of {self.chip.id}, which has {WORDS[kind]}; "
                    "train with such neurons"
                )

    def _bias(self, name: str, op: IntLIF, notes: Notes) -> Int64Array:
        neuron, mantissa_max = self.chip.neuron, self.chip.bias_mantissa_max  # rule 3
        largest = int(np.abs(op.bias_q).max(initial=0))
        exponent = next(
            (
                e
                for e in range(neuron.bias_exponent_min.value, neuron.bias_exponent_max.value + 1)
                if largest <= mantissa_max << e
            ),
            None,
        )
        if exponent is None:
            limit = self.chip.bias_max
            raise FitError(
                f"layer '{name}': a bias becomes {largest}, {self.chip.id} holds at most {limit} "
                f"({largest / limit:.2g} times too large); try fewer --bits"
            )
        mantissa = np.clip(np.rint(op.bias_q / (1 << exponent)), -mantissa_max, mantissa_max).astype(np.int64)
        legal: Int64Array = mantissa << exponent
        changed = int(np.count_nonzero(legal != op.bias_q))
        if changed:
            error = int(np.abs(legal - op.bias_q).max())
            notes.append(
                Note(
                    name,
                    f"{changed} of {legal.size} biases rounded to multiples of {1 << exponent}, by up to {error}",
                )
            )
        return legal
