"""Chains of maps kept short: two neighbours become one map, or change places, where that is exact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from neurodeploy.passes.compose.maps import (
    Chain,
    Flattening,
    Map,
    MatrixMap,
    Placing,
    Pointwise,
    WindowMap,
    pointwise,
)
from neurodeploy.passes.compose.windows import composed, widened

Ways = tuple[Chain, ...] | None
"""Chains whose sum is the two maps; None where they stay as they are."""


def extended(chain: Chain, then: Map) -> tuple[Chain, ...]:
    """Chains whose sum is `chain` followed by `then`."""
    if isinstance(then, Pointwise) and then.is_identity:
        return (chain,)
    rule = FUSION.get((type(chain[-1]), type(then))) if chain else None
    ways: Ways = rule(chain[-1], then) if rule else None
    if ways is None:
        return ((*chain, then),)
    return tuple(longer for way in ways for longer in extended_by(chain[:-1], way))


def extended_by(chain: Chain, then: Chain) -> tuple[Chain, ...]:
    """The same for several maps."""
    chains: tuple[Chain, ...] = (chain,)
    for one in then:
        chains = tuple(longer for made in chains for longer in extended(made, one))
    return chains


def _windows(first: WindowMap, then: WindowMap) -> Ways:
    return tuple((one,) for one in composed(first, then))


def _scaled_result(first: WindowMap, then: Pointwise) -> Ways:
    if not then.by_channel:
        return None
    factor = then.channels.reshape(-1, *(1,) * (first.weight.ndim - 1))
    return ((replace(first, weight=first.weight * factor),),)


def _scaled_input(first: Pointwise, then: WindowMap) -> Ways:
    if not first.by_channel:
        return None
    out, inputs = then.weight.shape[:2]
    each = np.repeat(first.channels.reshape(then.groups, inputs), out // then.groups, axis=0)
    return ((replace(then, weight=then.weight * each.reshape(out, inputs, *(1,) * len(then.stride))),),)


def _scaled_twice(first: Pointwise, then: Pointwise) -> Ways:
    return ((pointwise(first.factor * then.factor, first.shape),),)


def _scaled_flat(first: Pointwise, then: Flattening) -> Ways:
    flat = np.broadcast_to(first.factor, first.shape).reshape(-1)
    return ((then, pointwise(flat, then.shape)),)


def _scaled_columns(first: Pointwise, then: MatrixMap) -> Ways:
    return ((MatrixMap(then.weight * first.channels),),)


def _scaled_rows(first: MatrixMap, then: Pointwise) -> Ways:
    return ((MatrixMap(first.weight * then.channels[:, np.newaxis]),),)


def _matrices(first: MatrixMap, then: MatrixMap) -> Ways:
    return ((MatrixMap(then.weight @ first.weight),),)


def _placed_twice(first: Placing, then: Placing) -> Ways:
    return ((Placing(first.given, first.first + then.first, then.channels),),)


def _placed_flat(first: Placing, then: Flattening) -> Ways:
    flat = Flattening(first.given)
    size = flat.shape[0] // first.given[0]
    return ((flat, Placing(flat.shape, first.first * size, first.channels * size)),)


def _placed_scaled(first: Placing, then: Pointwise) -> Ways:
    factor = then.factor[first.taken] if then.factor.shape[0] > 1 else then.factor
    return ((pointwise(factor, first.given), first),)


def _placed_columns(first: Placing, then: MatrixMap) -> Ways:
    return ((MatrixMap(then.weight[:, first.taken]),),)


def _placed_windows(first: Placing, then: WindowMap) -> Ways:
    """Only the groups that see the placed channels; those results are placed again if there are others."""
    out, inputs = then.weight.shape[:2]
    rows, begin, end = out // then.groups, first.first, first.first + first.given[0]
    low, high = begin // inputs, -(-end // inputs)
    weight, groups = then.weight[low * rows : high * rows], high - low
    if begin % inputs or end % inputs:
        seen = slice(begin - low * inputs, end - low * inputs)
        weight, groups = widened(weight, groups, 1)[:, seen], 1
    made = replace(then, weight=weight, groups=groups, given=first.given)
    return ((made,),) if len(weight) == out else ((made, Placing(made.shape, low * rows, out)),)


FUSION: dict[tuple[type, type], Callable[[Any, Any], Ways]] = {
    (WindowMap, WindowMap): _windows,
    (WindowMap, Pointwise): _scaled_result,
    (Pointwise, WindowMap): _scaled_input,
    (Pointwise, Pointwise): _scaled_twice,
    (Pointwise, Flattening): _scaled_flat,
    (Pointwise, MatrixMap): _scaled_columns,
    (MatrixMap, Pointwise): _scaled_rows,
    (MatrixMap, MatrixMap): _matrices,
    (Placing, Placing): _placed_twice,
    (Placing, Flattening): _placed_flat,
    (Placing, Pointwise): _placed_scaled,
    (Placing, MatrixMap): _placed_columns,
    (Placing, WindowMap): _placed_windows,
}
"""What two neighbours become."""
