"""Fixed-point arithmetic on integer arrays: the four operations that everything else is made of.

All arrays are int64; results are exact while operands stay within 2^50.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import InputError

Int64Array = npt.NDArray[np.int64]
Overflow = Literal["saturate", "wrap"]

DECAY_BITS = 12
LARGEST_REGISTER = 32
CURRENT_SHIFT = 6
"""Potentials have 2^6 units per unit of synaptic input (Loihi's alignment)."""


@dataclass(frozen=True, slots=True)
class Register:
    """A signed two's complement register of `bits` bits and what it does at its ends.

    'saturate' clips to +-(2^(bits-1) - 1); 'wrap' keeps the low bits, -2^(bits-1) .. 2^(bits-1) - 1.
    """

    bits: int
    overflow: Overflow

    def __post_init__(self) -> None:
        if type(self.bits) is not int or not 2 <= self.bits <= LARGEST_REGISTER:
            raise InputError(f"a register must have 2..{LARGEST_REGISTER} bits, not {self.bits!r}")
        if self.overflow not in ("saturate", "wrap"):
            raise InputError(f"a register must saturate or wrap, not {self.overflow!r}")

    @property
    def high(self) -> int:
        """Largest value held."""
        return (1 << (self.bits - 1)) - 1

    @property
    def low(self) -> int:
        """Smallest value held."""
        return -self.high - (self.overflow == "wrap")

    def hold(self, x: Int64Array) -> Int64Array:
        """What the register holds after x is written to it."""
        if self.overflow == "saturate":
            return np.clip(x, self.low, self.high)
        return ((x - self.low) & ((1 << self.bits) - 1)) + self.low

    def overflows(self, x: npt.NDArray[Any]) -> int:
        """How many values of x the register cannot hold as they are."""
        return int(np.count_nonzero((x < self.low) | (x > self.high)))


def signed_bits(x: npt.NDArray[Any]) -> int:
    """Bits that a two's complement integer needs to hold every value: 8 for -127..127 and for -128..127."""
    low, high = int(x.min(initial=0)), int(x.max(initial=0))
    return 1 + max(high.bit_length(), (-low - 1).bit_length() if low < 0 else 0)


def decay(x: Int64Array, d: Int64Array | int) -> Int64Array:
    """Keep (4096 - d) / 4096 of x, toward zero: sign(x) * ((|x| * (4096 - d)) >> 12); d broadcasts to x."""
    share = np.asarray((1 << DECAY_BITS) - d, np.int64)
    kept: Int64Array = (np.abs(x) * share) >> DECAY_BITS
    return np.where(x < 0, -kept, kept)


def shift(x: Int64Array, exponent: int) -> Int64Array:
    """Times 2^exponent; floor for a negative exponent."""
    return x << exponent if exponent >= 0 else x >> -exponent
