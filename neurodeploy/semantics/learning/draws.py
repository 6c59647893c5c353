"""Pseudo-random numbers that depend on nothing but what they are for: seed, update, group and synapse.

The splitmix64 hash, twice. Source of the mixing constants: Steele, Lea, Flood, "Fast splittable pseudorandom number
generators", OOPSLA 2014.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.semantics.fixed_point import Int64Array

UInt64Array = npt.NDArray[np.uint64]
GRADIENT, DECAY, FEEDBACK = 0, 1, 2
"""What a number of a synapse is for: rounding its update, rounding its decay, its random feedback weight."""
_PURPOSES = 4
_LANE_BITS = 40
_GOLDEN, _FIRST, _SECOND = (
    np.uint64(c) for c in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
)


def stream_key(seeds: npt.ArrayLike, count: int) -> UInt64Array:
    """What update number `count` draws from: mix(seed * golden + count), for one seed or several; any shape."""
    with np.errstate(over="ignore"):
        return _mix(np.asarray(seeds, np.uint64) * _GOLDEN + np.uint64(count))


def draw(key: UInt64Array, lane: int, position: npt.NDArray[Any], purpose: int = GRADIENT) -> Int64Array:
    """Non-negative int64 numbers of synapses at flat `position` of group `lane`; `key` broadcasts to `position`.

    mix(key + (position + (4 lane + purpose) 2^40) golden) >> 1
    """
    offset = np.uint64((_PURPOSES * lane + purpose) << _LANE_BITS)
    with np.errstate(over="ignore"):
        z = _mix(key + (position.astype(np.uint64) + offset) * _GOLDEN)
    return (z >> np.uint64(1)).astype(np.int64)


def feedback_noise(seeds: npt.ArrayLike, lane: int, shape: tuple[int, ...]) -> Int64Array:
    """Fixed random feedback weights `(*seeds, *shape)`, uniform in -127..127."""
    key = stream_key(seeds, 0)
    position = np.arange(int(np.prod(shape))).reshape(shape)
    keys = key.reshape(*key.shape, *(1,) * len(shape))
    return draw(keys, lane, position, FEEDBACK) % 255 - 127


def _mix(z: UInt64Array) -> UInt64Array:
    z = z + _GOLDEN
    z = (z ^ (z >> np.uint64(30))) * _FIRST
    z = (z ^ (z >> np.uint64(27))) * _SECOND
    mixed: UInt64Array = z ^ (z >> np.uint64(31))
    return mixed
