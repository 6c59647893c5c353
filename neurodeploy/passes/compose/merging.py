"""Two chains from the same source as one, where that takes no more synapses and no more stored weights."""

from __future__ import annotations

from dataclasses import replace
from math import gcd
from typing import Any

import numpy as np

from neurodeploy.ir import Shape
from neurodeploy.passes.compose.maps import Array, Chain, Map, MatrixMap, Pointwise, WindowMap, pointwise
from neurodeploy.passes.compose.windows import widened


def merged(a: Chain, b: Chain, shape: Shape) -> Chain | None:
    """One chain whose result, of `shape`, is the sum of those of `a` and `b`; None where two are better."""
    (before, last), (also_before, also_last) = _split(a, shape), _split(b, shape)
    if before != also_before:
        return None
    added = _added(last, also_last)
    return None if added is None else (*before, added)


def _split(chain: Chain, shape: Shape) -> tuple[Chain, Map]:
    if chain and isinstance(chain[-1], (WindowMap, MatrixMap, Pointwise)):
        return chain[:-1], chain[-1]
    return chain, pointwise(1.0, shape)


def _added(a: Map, b: Map) -> Map | None:
    if isinstance(a, Pointwise) and isinstance(b, Pointwise):
        return pointwise(a.factor + b.factor, a.shape)
    if isinstance(a, MatrixMap) or isinstance(b, MatrixMap):
        return MatrixMap(_matrix(a) + _matrix(b))
    windows = as_windows(a), as_windows(b)
    if windows[0] is None or windows[1] is None:
        return None
    return _added_windows(windows[0], windows[1])


def _matrix(a: Map) -> Array:
    return np.diag(np.broadcast_to(a.factor, a.shape)) if isinstance(a, Pointwise) else a.weight  # type: ignore[union-attr]


def as_windows(a: Map) -> WindowMap | None:
    """A convolution that is the same map: a scale per channel is one of 1x1 kernels, each channel by itself."""
    if isinstance(a, WindowMap):
        return a
    if not isinstance(a, Pointwise) or not a.by_channel or len(a.shape) not in (2, 3):
        return None
    axes = len(a.shape) - 1
    ones = (1,) * axes
    return WindowMap(a.channels.reshape(-1, 1, *ones), ones, (0,) * 2 * axes, ones, a.shape[0], a.shape)


def _added_windows(a: WindowMap, b: WindowMap) -> WindowMap | None:
    """Both kernels in one that holds all their offsets from a window's own place."""
    if a.stride != b.stride:
        return None
    made = _common(a, b)
    is_larger = made.synapses > a.synapses + b.synapses or made.weight.size > a.weight.size + b.weight.size
    return None if is_larger else made


def _common(a: WindowMap, b: WindowMap) -> WindowMap:
    axes = range(len(a.stride))
    offsets = [[_offsets(one, axis) for one in (a, b)] for axis in axes]
    before = tuple(-min(x[0], y[0]) for x, y in offsets)
    steps = tuple(gcd(*np.diff(sorted({*x, *y})).tolist()) or 1 for x, y in offsets)
    kernel = tuple(
        (max(x[-1], y[-1]) + p) // d + 1 for (x, y), p, d in zip(offsets, before, steps, strict=True)
    )
    groups = gcd(a.groups, b.groups)
    first, second = (widened(one.weight, one.groups, groups) for one in (a, b))
    weight = np.zeros((*first.shape[:2], *kernel))
    for which, one in enumerate((first, second)):
        at = [(np.array(offsets[i][which]) + before[i]) // steps[i] for i in axes]
        where: Any = (slice(None), slice(None), *np.ix_(*at))
        weight[where] += one
    after = tuple(_after(a, i, before[i], steps[i] * (kernel[i] - 1) + 1) for i in axes)
    return replace(a, weight=weight, padding=(*before, *after), dilation=steps, groups=groups)


def _offsets(a: WindowMap, axis: int) -> list[int]:
    return [tap * a.dilation[axis] - a.padding[axis] for tap in range(a.weight.shape[2 + axis])]


def _after(a: WindowMap, axis: int, before: int, span: int) -> int:
    """Least padding behind the axis that leaves as many windows."""
    end = (a.shape[1 + axis] - 1) * a.stride[axis] - before + span
    return max(0, end - a.given[1 + axis])
