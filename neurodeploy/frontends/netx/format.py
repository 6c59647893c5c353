"""The numbers of lava-dl's `.net` files (HDF5): ranges, units, and what lava-dl makes of a weight matrix.

Source: lava-dl 0.6.0, netx/hdf5.py and netx/utils.py; lava-nc 0.10.0, proc/dense/models.py and proc/lif/models.py.
"""

from __future__ import annotations

import numpy as np

from neurodeploy.ir.op import Int64Array

WEIGHT_LOW, WEIGHT_HIGH = -256, 254
"""Weights are 8-bit integers in steps of 2."""
UNIT = 64
"""Thresholds (vThMant) and biases are in units of 64 potential units, as synaptic input is."""
LARGEST_THRESHOLD = (1 << 17) - 1
"""Largest vThMant that a neuron can reach: 2^17 * 64 lies above the 24 bits of the potential."""
SILENT_THRESHOLD = (1 << 18) - 1
"""The vThMant that slayer writes for neurons that only integrate."""
LARGEST_BIAS = (1 << 12) - 1
LONGEST_DELAY = 62
NEURON_TYPES = ("CUBA", "LOIHI")
WEIGHT_BITS = 8


def held_by_lava(weight: Int64Array, whole: Int64Array | None = None) -> Int64Array:
    """The matrix that Lava computes with when lava-dl's netx loads dense weights `weight`, int64 `(out, in)`.

    netx shifts a matrix up to the 8 bits of a synapse and Lava shifts the sums back, which changes no number, but
    for the lowest one of a matrix without positive weights: -256 becomes -255 on the way and loses its low bits.
    `whole` is the matrix whose range sets the shift: forward and recurrent weights side by side.

    Raises `ValueError` for a matrix of zeros, which netx cannot load.
    """
    whole = weight if whole is None else whole
    low, high = int(whole.min()), int(whole.max())
    mixed = low < 0 <= high
    shift = _shift(low, high, mixed)
    zeros = _common_zero_bits(whole) - mixed
    lost = shift + zeros  # low bits that Lava clears: 8 - num_weight_bits
    lifted = weight << shift
    ends = (1 << WEIGHT_BITS) - 1
    if weight.min() >= 0:
        held = _cleared(np.minimum(lifted, ends), lost)
    elif weight.max() <= 0:
        held = -_cleared(np.minimum(-lifted, ends), lost)
    else:
        held = _cleared(np.clip(lifted, -ends - 1, ends), lost + 1)
    restored: Int64Array = held >> shift
    return restored


def _shift(low: int, high: int, mixed: bool) -> int:
    """How far netx shifts a matrix up: floor(log2(room / largest)), one more with both signs."""
    if low == high == 0:
        raise ValueError("all weights are 0")
    largest = [-low / 128, high / 127] if mixed else [-low / 256, high / 255]
    room = 1.0 / max(largest)
    return int(np.floor(np.log2(room))) + mixed


def _common_zero_bits(weight: Int64Array) -> int:
    """Low bits that are zero in every weight, at most 8."""
    union = int(np.bitwise_or.reduce(weight, axis=None))
    return min(WEIGHT_BITS, (union & -union).bit_length() - 1)


def _cleared(x: Int64Array, bits: int) -> Int64Array:
    """Without its low bits; a negative count, which Lava cannot shift by, loses everything."""
    return (x >> bits) << bits if bits >= 0 else np.zeros_like(x)
