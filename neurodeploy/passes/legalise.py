"""Make every number of the graph one that the target can hold, or say which cannot be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from neurodeploy.chip import Chip
from neurodeploy.errors import FitError
from neurodeploy.ir import Graph, IntInput, IntLIF, Op
from neurodeploy.ir.op import Int64Array
from neurodeploy.network import Note
from neurodeploy.passes.base import Notes


@dataclass(frozen=True, slots=True)
class Legalise:
    """Integer graph -> integer graph within the limits of `chip`.

    1. A reset must be one that the target's neurons have.
    2. A threshold must not exceed the largest that the target compares with, nor the register of v.
    3. A bias is rounded to mantissa * 2^exponent, one exponent a layer, the smallest that holds the largest bias.
    4. A graded input must fit the payload of a spike.
    """

    name: ClassVar[str] = "legalise"
    chip: Chip

    def apply(self, graph: Graph, notes: Notes) -> Graph:
        """See the class; raises `FitError` that names the layer, the number and the limit."""
        for name, op in graph.of(IntInput).items():
            self._check_input(name, op)
        legal: dict[str, Op] = {name: self._neurons(name, op, notes) for name, op in graph.of(IntLIF).items()}
        return graph.replaced(legal)

    def _check_input(self, name: str, op: IntInput) -> None:  # rule 4
        bits = self.chip.spike.graded_bits.value
        largest = max(-op.low, op.high)
        if largest >= 1 << (bits - 1):
            raise FitError(f"layer '{name}': inputs of up to {largest} do not fit {bits} bits of payload")

    def _neurons(self, name: str, op: IntLIF, notes: Notes) -> IntLIF:
        if op.reset not in self.chip.resets:  # rule 1
            raise FitError(
                f"layer '{name}': reset '{op.reset}' is not one of {self.chip.id}'s ({', '.join(self.chip.resets)})"
            )
        limit = self.chip.threshold_max
        largest = int(op.threshold_q.max())
        if largest > limit:  # rule 2
            raise FitError(
                f"layer '{name}': the threshold becomes {largest}, {self.chip.id} holds at most {limit} "
                f"({largest / limit:.2g} times too large): its weights are small against the threshold; "
                "try fewer --bits, or scale weights and threshold together"
            )
        return replace(op, bias_q=self._bias(name, op, notes))

    def _bias(self, name: str, op: IntLIF, notes: Notes) -> Int64Array:
        mantissa_max = self.chip.bias_mantissa_max  # rule 3
        largest = int(np.abs(op.bias_q).max(initial=0))
        exponent = next(
            (e for e in range(self.chip.neuron.bias_exponent_max.value + 1) if largest <= mantissa_max << e),
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
