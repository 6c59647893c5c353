"""A chip: everything that its description says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from neurodeploy.chip.costs import Costs
from neurodeploy.chip.limits import (
    ChipLimits,
    CoreLimits,
    CoreLists,
    Count,
    LayerLimits,
    LearningLimits,
    NetworkLimits,
    NeuronLimits,
    Reset,
    SpikeLimits,
    SynapseLimits,
)
from neurodeploy.chip.quantity import Limit, Property, Quantity, Text
from neurodeploy.errors import UsageError
from neurodeploy.semantics import Register, Registers

Entry = Quantity[Any] | Limit[Any] | Property[Any]


class Chip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One chip.

    `not_public` lists what its maker does not tell and this description has no number for; `boards` chips by board.
    """

    id: Text
    vendor: Text
    description: Text
    status: Text
    not_public: tuple[str, ...]
    chip: ChipLimits
    core: CoreLimits
    synapse: SynapseLimits
    neuron: NeuronLimits
    spike: SpikeLimits
    learning: LearningLimits
    costs: Costs
    boards: dict[str, Quantity[Count]] = {}
    cores: CoreLists | None = None
    network: NetworkLimits | None = None
    layer: LayerLimits | None = None

    def __post_init__(self) -> None:
        packing = self.synapse.packing.value
        if packing == "word-blocks" and self.synapse.blocks is None:
            raise ValueError("packing 'word-blocks' needs the section `synapse.blocks`")
        if packing == "one-layer-a-core" and (self.cores is None or self.layer is None):
            raise ValueError("packing 'one-layer-a-core' needs the sections `cores` and `layer`")
        if packing == "one-core" and self.network is None:
            raise ValueError("packing 'one-core' needs the section `network`")

    def chips_on(self, board: str | None) -> int:
        """Chips of a board by its name; None: one chip. Raises `UsageError` for an unknown board."""
        if board is None:
            return 1
        if board not in self.boards:
            known = ", ".join(f"{name} ({one.value} chips)" for name, one in self.boards.items())
            raise UsageError(f"{self.id} has no board {board!r}; there is {known or 'none'}")
        return self.boards[board].value

    @property
    def has_equal_cores(self) -> bool:
        """True where any core holds any part of any layer; else cores hold whole layers, or one the whole network."""
        return self.synapse.packing.value in ("word-blocks", "bit-packed")

    @property
    def resets(self) -> tuple[Reset, ...]:
        """The kinds of reset that its neurons have."""
        return self.neuron.resets.value

    @property
    def registers(self) -> Registers:
        """The state registers of its neurons."""
        n = self.neuron
        return Registers(
            Register(n.u_bits.value, n.u_overflow.value), Register(n.v_bits.value, n.v_overflow.value)
        )

    @property
    def bias_mantissa_max(self) -> int:
        """Largest mantissa of a bias."""
        return (1 << (self.neuron.bias_mantissa_bits.value - 1)) - 1

    @property
    def bias_max(self) -> int:
        """Largest bias."""
        return self.bias_mantissa_max << self.neuron.bias_exponent_max.value

    @property
    def threshold_max(self) -> int:
        """Largest threshold that is compared with and that a potential can reach."""
        return min(self.neuron.threshold_max.value, self.registers.v.high)

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Every number and property by its path, such as `core.neurons`, in the order of the description."""
        yield from _entries(self, "")

    @property
    def not_checked(self) -> tuple[str, ...]:
        """What a fit cannot check: limits of unknown value, by path, and what is not public at all."""
        if not self.has_equal_cores:
            return self.not_public
        limits = ((path, entry) for path, entry in self.entries() if path.startswith("core."))
        unknown = [path for path, entry in limits if entry.value is None]
        return (*unknown, *self.not_public)


def _entries(struct: msgspec.Struct, path: str) -> Iterator[tuple[str, Entry]]:
    for name in struct.__struct_fields__:
        value, where = getattr(struct, name), f"{path}{name}"
        if isinstance(value, (Quantity, Limit, Property)):
            yield where, value
        elif isinstance(value, dict):
            yield from ((f"{where}.{key}", entry) for key, entry in value.items())
        elif isinstance(value, msgspec.Struct):
            yield from _entries(value, f"{where}.")
