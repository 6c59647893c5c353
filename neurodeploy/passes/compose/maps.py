"""Linear maps of one array, in float64: what synapses, pools, scales and joins do, each with its adjoint.

`push` applies a map A to a batch, x `(N, *given)` -> A x `(N, *shape)`; `pull` applies its transpose to rows,
y `(R, *shape)` -> A^T y `(R, *given)`. Rows pulled through a chain of maps are rows of the matrix of the chain.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.ir import Shape, Windows
from neurodeploy.ir.convolution import convolve
from neurodeploy.ir.op import Extents

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class WindowMap:
    """A convolution without bias; geometry as in `Conv`.

    `weight` `(out, in / groups, *kernel)`; `given` `(in, *spatial)` -> `shape` `(out, *places)`.
    """

    weight: Array
    stride: Extents
    padding: Extents
    dilation: Extents
    groups: int
    given: Shape

    @property
    def windows(self) -> Windows:
        """Its geometry."""
        return Windows(self.weight.shape[2:], self.stride, self.padding, self.dilation)

    @property
    def shape(self) -> Shape:
        """Shape of the result."""
        return (len(self.weight), *self.windows.places(self.given[1:]))

    @property
    def synapses(self) -> int:
        """Connections: pairs of a result and an input within one of its windows, padding left out."""
        return int(self.weight.shape[0] * self.weight.shape[1] * prod(self._touched(a) for a in self._axes))

    @property
    def _axes(self) -> range:
        return range(len(self.stride))

    def _touched(self, axis: int) -> int:
        starts = np.arange(self.shape[1 + axis]) * self.stride[axis] - self.padding[axis]
        taps = np.arange(self.weight.shape[2 + axis]) * self.dilation[axis]
        at = starts[:, np.newaxis] + taps
        return int(((at >= 0) & (at < self.given[1 + axis])).sum())

    def push(self, x: Array) -> Array:
        """A x."""
        pushed: Array = convolve(x, self.weight, self.windows, self.groups)
        return pushed

    def pull(self, rows: Array) -> Array:
        """A^T y: every result adds its weights at the inputs of its window."""
        count, axes = len(rows), len(self.stride)
        given, before, after = self.given, self.padding[:axes], self.padding[axes:]
        filters = self.weight.reshape(self.groups, -1, *self.weight.shape[1:])  # (g, out/g, in/g, *kernel)
        split = rows.reshape(count, self.groups, filters.shape[1], -1)
        columns = split.transpose(1, 0, 3, 2).reshape(
            self.groups, -1, filters.shape[1]
        )  # (g, R places, out/g)
        wide = tuple(n + b + a for n, b, a in zip(given[1:], before, after, strict=True))
        padded = np.zeros((count, given[0], *wide))
        for tap in product(*map(range, self.weight.shape[2:])):
            parts = columns @ at_tap(filters, tap)  # (g, R places, in/g)
            values = parts.reshape(self.groups, count, -1, filters.shape[2]).transpose(1, 0, 3, 2)
            padded[(slice(None), slice(None), *self._seen_by(tap))] += values.reshape(
                count, given[0], *self.shape[1:]
            )
        inside = tuple(slice(b, b + n) for b, n in zip(before, given[1:], strict=True))
        return padded[(slice(None), slice(None), *inside)]

    def _seen_by(self, tap: Extents) -> tuple[slice, ...]:
        """Where one tap of the kernel lies for all windows, in the padded input."""
        starts = [t * d for t, d in zip(tap, self.dilation, strict=True)]
        return tuple(
            slice(start, start + s * (places - 1) + 1, s)
            for start, s, places in zip(starts, self.stride, self.shape[1:], strict=True)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Pointwise:
    """Every number times its factor; `factor` broadcasts to `shape`, with as many axes, constant axes of extent 1."""

    factor: Array
    shape: Shape

    @property
    def given(self) -> Shape:
        """Shape of the input."""
        return self.shape

    @property
    def is_identity(self) -> bool:
        """True where it changes nothing."""
        return bool((self.factor == 1).all())

    @property
    def by_channel(self) -> bool:
        """True where the factor depends on the channel alone."""
        return all(n == 1 for n in self.factor.shape[1:])

    @property
    def channels(self) -> Array:
        """The factor of each channel, `(C,)`."""
        return np.broadcast_to(self.factor.reshape(-1), self.shape[:1])

    def push(self, x: Array) -> Array:
        """A x."""
        return x * self.factor

    def pull(self, rows: Array) -> Array:
        """A^T y."""
        return rows * self.factor


@dataclass(frozen=True, slots=True)
class Flattening:
    """All axes into one."""

    given: Shape

    @property
    def shape(self) -> Shape:
        """Shape of the result."""
        return (prod(self.given),)

    def push(self, x: Array) -> Array:
        """A x."""
        return x.reshape(len(x), -1)

    def pull(self, rows: Array) -> Array:
        """A^T y."""
        return rows.reshape(len(rows), *self.given)


@dataclass(frozen=True, slots=True, eq=False)
class MatrixMap:
    """`weight` `(out, in)`."""

    weight: Array

    @property
    def given(self) -> Shape:
        """Shape of the input."""
        return (self.weight.shape[1],)

    @property
    def shape(self) -> Shape:
        """Shape of the result."""
        return (self.weight.shape[0],)

    def push(self, x: Array) -> Array:
        """A x."""
        return x @ self.weight.T

    def pull(self, rows: Array) -> Array:
        """A^T y."""
        return rows @ self.weight


@dataclass(frozen=True, slots=True)
class Placing:
    """The input becomes the channels from `first` on of `channels`; the others are zero (one branch of a join)."""

    given: Shape
    first: int
    channels: int

    @property
    def shape(self) -> Shape:
        """Shape of the result."""
        return (self.channels, *self.given[1:])

    @property
    def taken(self) -> slice:
        """Its channels."""
        return slice(self.first, self.first + self.given[0])

    def push(self, x: Array) -> Array:
        """A x."""
        placed = np.zeros((len(x), *self.shape))
        placed[:, self.taken] = x
        return placed

    def pull(self, rows: Array) -> Array:
        """A^T y."""
        return rows[:, self.taken]


Map = WindowMap | Pointwise | Flattening | MatrixMap | Placing
Chain = tuple[Map, ...]
"""Maps one after the other, the first is applied first; an empty chain is the identity."""


def at_tap(kernels: Array, tap: Extents) -> Array:
    """A view of the weights of one tap: the last axes of `kernels` are those of the kernel."""
    index: Any = (..., *tap)
    view: Array = kernels[index]
    return view


def pointwise(factor: npt.ArrayLike, shape: Shape) -> Pointwise:
    """Multiplication by a factor that broadcasts to `shape`."""
    values = np.asarray(factor, np.float64)
    return Pointwise(compact(values.reshape((1,) * (len(shape) - values.ndim) + values.shape)), shape)


def compact(values: Array) -> Array:
    """The same values with extent 1 on every axis along which they are equal."""
    for axis in range(values.ndim):
        first: Any = values.take([0], axis)
        values = first if (values == first).all() else values
    return values
