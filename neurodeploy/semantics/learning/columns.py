"""A group of synapses as matrix products: what arrives is unfolded into columns, one a place of the kernel.

A fully connected group has one place. With G groups of channels, K inputs of a kernel and P places:

    a   = W  X            (G, out/G, K) x (G, K, P) -> (G, out/G, P)
    m x^T = M X^T         (G, out/G, P) x (G, P, K)          the correlation of error map and trace map
    B^T m = B^T M         (G, K, out/G) x (G, out/G, P), folded back: what overlaps is added

Leading axes (streams, steps) go through; all functions keep the number type.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.ir.convolution import slide
from neurodeploy.ir.ops import IntConv, IntSynapses
from neurodeploy.ir.types import Shape

Array = npt.NDArray[Any]


class Columns:
    """The geometry of group `op` whose input has shape `given` and whose result has shape `made`."""

    def __init__(self, op: IntSynapses, given: Shape, made: Shape) -> None:
        self.given, self.made, self.shape = given, made, op.weight_q.shape
        self._windows = op.windows if isinstance(op, IntConv) else None
        self.groups = op.groups if isinstance(op, IntConv) else 1
        self.kernel = int(np.prod(self.shape[1:]))
        self.places = int(np.prod(made[1:]))

    def matrix(self, weight: Array) -> Array:
        """`(..., *W)` -> `(..., G, out/G, K)`, a view."""
        lead = weight.shape[: weight.ndim - len(self.shape)]
        return weight.reshape(*lead, self.groups, self.shape[0] // self.groups, self.kernel)

    def maps(self, values: Array) -> Array:
        """Neurons' values `(..., *made)` -> `(..., G, out/G, P)`, a view."""
        lead = values.shape[: values.ndim - len(self.made)]
        return values.reshape(*lead, self.groups, self.shape[0] // self.groups, self.places)

    def unfold(self, x: Array) -> Array:
        """What arrives `(..., *given)` -> columns `(..., G, K, P)`."""
        lead = x.shape[: x.ndim - len(self.given)]
        if self._windows is None:
            return x.reshape(*lead, 1, self.kernel, 1)
        axes = len(self._windows.kernel)
        seen = slide(x.reshape(-1, *self.given), self._windows)  # (N, in, *places, *kernel)
        order = (0, 1, *range(2 + axes, 2 + 2 * axes), *range(2, 2 + axes))
        return seen.transpose(order).reshape(*lead, self.groups, self.kernel, self.places)

    def fold(self, columns: Array) -> Array:
        """The transpose of `unfold`: `(..., G, K, P)` -> `(..., *given)`; places that overlap add up."""
        lead = columns.shape[:-3]
        if self._windows is None:
            return columns.reshape(*lead, *self.given)
        windows, axes, extents = self._windows, len(self._windows.kernel), self.given[1:]
        parts = columns.reshape(-1, self.given[0], *windows.kernel, *self.made[1:])
        padded = [n + windows.padding[i] + windows.padding[axes + i] for i, n in enumerate(extents)]
        total = np.zeros((len(parts), self.given[0], *padded), columns.dtype)
        everything: list[Any] = [slice(None), slice(None)]
        for offsets in product(*(range(k) for k in windows.kernel)):
            reached: list[Any] = [
                slice(o * d, o * d + s * (p - 1) + 1, s)
                for o, d, s, p in zip(offsets, windows.dilation, windows.stride, self.made[1:], strict=True)
            ]
            total[(*everything, *reached)] += parts[(*everything, *offsets)]
        inside = tuple(slice(windows.padding[i], windows.padding[i] + n) for i, n in enumerate(extents))
        return total[(*everything, *inside)].reshape(*lead, *self.given)
