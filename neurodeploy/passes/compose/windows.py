r"""Two convolutions, one after the other, as a sum of convolutions of the first one's input.

Along one axis the second reads m = y s2 - p2 + j2 d2, the first x = m s1 - p1 + j1 d1. Together

    x = y (s1 s2) - (p1 + s1 p2) + (j2 d2 s1 + j1 d1)

which is one convolution of stride s1 s2. It is the same map unless it leaks: where m lies outside the result of the
first (padding of the second, or rows that the first has left over), the second reads zero, but the formula reads
real inputs if some x lies inside. Leaks touch only windows at a border; they are taken away by further
convolutions whose stride is so long that they reach those windows alone. With several axes, a product

    (whole - begin - end) x (whole - begin - end)

of what happens along each gives all terms; all are exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import gcd, prod

import numpy as np

from neurodeploy.ir.op import Extents
from neurodeploy.passes.compose.maps import Array, WindowMap, at_tap


@dataclass(frozen=True, slots=True)
class Tap:
    """Offset `at` in the composed kernel that gets the product of two taps."""

    at: int
    inner: int
    outer: int


@dataclass(frozen=True, slots=True)
class Axis:
    """One term along one axis: geometry, which taps it is made of, and with which sign it counts."""

    sign: int
    stride: int
    before: int
    after: int
    dilation: int
    kernel: int
    taps: tuple[Tap, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """Output `y` reads input `x` through both taps at the middle index `m`."""

    y: int
    x: int
    m: int
    inner: int
    outer: int


def composed(inner: WindowMap, outer: WindowMap) -> tuple[WindowMap, ...]:
    """Convolutions whose sum is `outer` after `inner`, the whole one first, then those for the borders."""
    parts = [_axis_parts(inner, outer, axis) for axis in range(len(inner.stride))]
    return tuple(_term(inner, outer, axes) for axes in product(*parts))


def _term(inner: WindowMap, outer: WindowMap, axes: tuple[Axis, ...]) -> WindowMap:
    sign = prod(axis.sign for axis in axes)
    products = [_tap(inner, outer, taps) for taps in product(*(axis.taps for axis in axes))]
    _, channels, groups = products[0]
    weight = np.zeros((*channels.shape, *(axis.kernel for axis in axes)))
    for at, channels, _ in products:
        view = at_tap(weight, at)
        view += sign * channels
    return WindowMap(
        weight,
        tuple(axis.stride for axis in axes),
        (*(axis.before for axis in axes), *(axis.after for axis in axes)),
        tuple(axis.dilation for axis in axes),
        groups,
        inner.given,
    )


def _tap(inner: WindowMap, outer: WindowMap, taps: tuple[Tap, ...]) -> tuple[Extents, Array, int]:
    """Where it lies in the composed kernel, its weight between all channels, and their groups."""
    first = at_tap(inner.weight, tuple(tap.inner for tap in taps))
    second = at_tap(outer.weight, tuple(tap.outer for tap in taps))
    return (tuple(tap.at for tap in taps), *channel_product(first, inner.groups, second, outer.groups))


def channel_product(inner: Array, inner_groups: int, outer: Array, outer_groups: int) -> tuple[Array, int]:
    """`outer` `(O, M / outer_groups)` after `inner` `(M, I / inner_groups)`: `(O, I / groups)` and its groups."""
    out, middle = len(outer), len(inner)
    if inner_groups == middle and inner.shape[1] == 1:
        seen = inner.reshape(outer_groups, 1, -1)  # the channels that each group sees
        columns = np.broadcast_to(seen, (outer_groups, out // outer_groups, outer.shape[1]))
        return outer * columns.reshape(outer.shape), outer_groups
    if outer_groups == middle:
        return outer * inner[np.arange(out) // (out // middle)], inner_groups
    groups = gcd(inner_groups, outer_groups)
    second = widened(outer, outer_groups, groups).reshape(groups, out // groups, -1)
    first = widened(inner, inner_groups, groups).reshape(groups, middle // groups, -1)
    return (second @ first).reshape(out, -1), groups


def widened(weight: Array, groups: int, fewer: int) -> Array:
    """A weight `(out, in / groups, *kernel)` for `fewer` groups, which divide `groups`: zeros between."""
    if groups == fewer:
        return weight
    out, inputs = weight.shape[:2]
    joined = groups // fewer
    wide = np.zeros((out, joined, inputs, *weight.shape[2:]))
    group = np.arange(out) // (out // groups) % joined
    wide[np.arange(out), group] = weight
    return wide.reshape(out, joined * inputs, *weight.shape[2:])


def _axis_parts(inner: WindowMap, outer: WindowMap, axis: int) -> list[Axis]:
    inputs, middles, places = inner.given[1 + axis], inner.shape[1 + axis], outer.shape[1 + axis]
    leaks = [r for r in _readings(inner, outer, axis) if not 0 <= r.m < middles and 0 <= r.x < inputs]
    begin = [r for r in leaks if r.m < 0]
    end = [r for r in leaks if r.m >= middles]
    parts = [_whole(inner, outer, axis)]
    if begin:
        parts.append(_begin(begin, inputs, places))
    if end:
        parts.append(_end(end, inputs, places))
    return parts


def _readings(inner: WindowMap, outer: WindowMap, axis: int) -> Iterator[Reading]:
    taps = (
        range(outer.shape[1 + axis]),
        range(outer.weight.shape[2 + axis]),
        range(inner.weight.shape[2 + axis]),
    )
    for y, j2, j1 in product(*taps):
        m = y * outer.stride[axis] - outer.padding[axis] + j2 * outer.dilation[axis]
        yield Reading(y, m * inner.stride[axis] - inner.padding[axis] + j1 * inner.dilation[axis], m, j1, j2)


def _whole(inner: WindowMap, outer: WindowMap, axis: int) -> Axis:
    axes = len(inner.stride)
    s1, (k1, k2) = inner.stride[axis], (inner.weight.shape[2 + axis], outer.weight.shape[2 + axis])
    d1, d2 = inner.dilation[axis], outer.dilation[axis] * s1
    step = gcd(d1 if k1 > 1 else 0, d2 if k2 > 1 else 0) or 1
    taps = tuple(Tap((j2 * d2 + j1 * d1) // step, j1, j2) for j2 in range(k2) for j1 in range(k1))
    return Axis(
        1,
        s1 * outer.stride[axis],
        inner.padding[axis] + s1 * outer.padding[axis],
        inner.padding[axes + axis] + s1 * outer.padding[axes + axis],
        step,
        ((k2 - 1) * d2 + (k1 - 1) * d1) // step + 1,
        taps,
    )


def _begin(leaks: list[Reading], inputs: int, places: int) -> Axis:
    """Only the first windows, those of the leaks, reach inputs: y reads block (last - y) of the kernel."""
    last = max(r.y for r in leaks)
    kernel = last * inputs + max(r.x for r in leaks) + 1
    before = last * inputs
    taps = tuple(Tap(r.x + (last - r.y) * inputs, r.inner, r.outer) for r in leaks)
    return _long_steps(inputs, places, before, kernel, taps)


def _end(leaks: list[Reading], inputs: int, places: int) -> Axis:
    """The mirror image of `_begin`: only the last windows reach inputs."""
    first = min(r.y for r in leaks)
    least = min(r.x for r in leaks) if places > 1 else 0
    kernel = (places - 1 - first) * inputs + inputs - least
    before = (places - 1) * inputs - least
    taps = tuple(Tap(r.x - least + (places - 1 - r.y) * inputs, r.inner, r.outer) for r in leaks)
    return _long_steps(inputs, places, before, kernel, taps)


def _long_steps(inputs: int, places: int, before: int, kernel: int, taps: tuple[Tap, ...]) -> Axis:
    after = max(0, (places - 1) * inputs + kernel - inputs - before)
    return Axis(-1, inputs, before, after, 1, kernel, taps)
