"""Prove that nothing can overflow, or say what can, where and by how much."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2
from typing import ClassVar

from neurodeploy.ir import Graph, IntLIF
from neurodeploy.network import Note
from neurodeploy.passes.base import Notes
from neurodeploy.semantics import Registers, bounds


@dataclass(frozen=True, slots=True)
class LayerRange:
    """Largest possible magnitudes in one layer, for any input, and the registers' limits.

    `current` is a, `u` and `v` the states; `proven` is True when neither register can overflow.
    """

    layer: str
    current: int
    u: int
    v: int
    u_limit: int
    v_limit: int

    @property
    def proven(self) -> bool:
        """True when no input can make u or v overflow."""
        return self.u <= self.u_limit and self.v <= self.v_limit

    @property
    def headroom_bits(self) -> float:
        """How many more bits v could grow by; negative when it can overflow."""
        return log2(self.v_limit / max(self.v, 1))


def layer_ranges(graph: Graph, registers: Registers, steps: int) -> tuple[LayerRange, ...]:
    """The bounds of every layer of neurons over `steps` steps."""
    return tuple(_layer(graph, name, op, registers, steps) for name, op in graph.of(IntLIF).items())


def _layer(graph: Graph, name: str, op: IntLIF, registers: Registers, steps: int) -> LayerRange:
    current = bounds.current(graph, name, registers)
    limits = bounds.neurons(op, current, steps)
    return LayerRange(
        name, current.magnitude, limits.u.magnitude, limits.v.magnitude, registers.u.high, registers.v.high
    )


@dataclass(frozen=True, slots=True)
class Ranges:
    """Integer graph -> the same graph, checked.

    1. For each layer of neurons the largest possible |a|, |u| and |v| follow from the weights and the input's range.
    2. What stays within the registers is proven; for the rest a note says which bound exceeds which width, and
       the back ends count what overflows.
    """

    name: ClassVar[str] = "ranges"
    registers: Registers
    steps: int

    def apply(self, graph: Graph, notes: Notes) -> Graph:
        """See the class."""
        for found in layer_ranges(graph, self.registers, self.steps):
            notes.append(Note(found.layer, _verdict(found)))
        return graph


def _verdict(found: LayerRange) -> str:
    if found.proven:
        return f"cannot overflow: |v| <= {found.v}, limit {found.v_limit}, {found.headroom_bits:.1f} bits of headroom"
    letter, bound, limit = ("u", found.u, found.u_limit)
    if found.u <= found.u_limit:
        letter, bound, limit = ("v", found.v, found.v_limit)
    return f"may overflow: |{letter}| <= {bound} exceeds {limit} ({bound / limit:.2g} times); counted at run time"
