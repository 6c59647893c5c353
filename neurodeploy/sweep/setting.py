"""How many bits the weights of each group of synapses have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """Bits of a weight by group of synapses; every group is named, in the order of the graph."""

    bits: tuple[tuple[str, int], ...]

    @classmethod
    def uniform(cls, layers: Sequence[str], bits: int) -> Setting:
        """The same for all."""
        return cls(tuple((name, bits) for name in layers))

    def with_layer(self, layer: str, bits: int) -> Setting:
        """The same but for one layer."""
        return Setting(tuple((name, bits if name == layer else b) for name, b in self.bits))

    def of(self, layer: str) -> int:
        """Bits of one layer."""
        return dict(self.bits)[layer]

    def weight_bits(self, weights: Mapping[str, int]) -> int:
        """Bits of all weights together; `weights` is the number of them by layer."""
        return sum(weights[name] * bits for name, bits in self.bits)

    def __str__(self) -> str:
        """`4 bits`, or `8 bits, fc1 3, fc2 4`: the commonest width, then those that differ."""
        common, _ = Counter(bits for _, bits in self.bits).most_common(1)[0]
        others = [f"{name} {bits}" for name, bits in self.bits if bits != common]
        return ", ".join([f"{common} bits", *others])
