"""Accumulators, and what they do to weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.semantics.fixed_point import Int64Array
from neurodeploy.semantics.learning.columns import Columns
from neurodeploy.semantics.learning.draws import DECAY, GRADIENT, draw, stream_key
from neurodeploy.semantics.learning.rule import ThreeFactorRule

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Updated:
    """Weights after an update, and how many synapses were asked to change, did so, and met the grid's end."""

    weight: Int64Array
    asked: int
    changed: int
    clipped: int


def gradient(columns: Columns, modulated: Array, trace: Array, number: npt.DTypeLike = np.int64) -> Array:
    """m x^T, summed over places: `(..., *made)`, `(..., *given)` -> `(..., G, out/G, K)`, as `number`."""
    maps, unfolded = (a.astype(number, copy=False) for a in (columns.maps(modulated), columns.unfold(trace)))
    product: Array = maps @ np.swapaxes(unfolded, -1, -2)
    return product


def accumulate(rule: ThreeFactorRule, accumulator: Int64Array, more: Int64Array) -> tuple[Int64Array, int]:
    """G[t] from G[t-1] and m x^T, and how many sums the accumulator could not hold."""
    raw = accumulator + more
    return rule.accumulator.hold(raw), rule.accumulator.overflows(raw)


def updated(
    rule: ThreeFactorRule,
    synapses: str,
    lane: int,
    weight: Int64Array,
    accumulator: Int64Array,
    count: int,
    seeds: npt.NDArray[np.uint64],
) -> Updated:
    """Weights `(B, ...)` int64 after update number `count`; `seeds` `(B,)`, one a stream.

    Only synapses with G != 0 or, with weight decay, W != 0 can change: (r - 0) >> n is 0 for every 0 <= r < 2^n.
    """
    one, decays = rule.synapses[synapses], rule.weight_decay
    place = np.flatnonzero(accumulator if decays is None else (accumulator != 0) | (weight != 0))
    stream, position = np.divmod(place, max(weight[0].size, 1))
    key, n = stream_key(seeds, count)[stream], rule.shift_of(synapses, count)
    before, gathered = weight.reshape(-1)[place], accumulator.reshape(-1)[place]
    aimed = before + ((_rest(key, lane, position, GRADIENT, n) - gathered) >> n)
    if decays is not None:
        aimed += (_rest(key, lane, position, DECAY, decays) - before) >> decays
    after = np.clip(aimed, -one.weight_max, one.weight_max)
    whole = weight.copy()
    whole.reshape(-1)[place] = after
    changed, clipped = np.count_nonzero(after != before), np.count_nonzero(after != aimed)
    return Updated(whole, int(np.count_nonzero(gathered)), int(changed), int(clipped))


def _rest(
    key: npt.NDArray[np.uint64], lane: int, position: Int64Array, purpose: int, bits: int
) -> Int64Array:
    return draw(key, lane, position, purpose) & ((1 << bits) - 1)
