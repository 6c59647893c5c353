"""Exact sums of integer synapses by torch's products, in a float type that a proven bound chooses.

Convolutions are unfolded and multiplied, because torch's own may take Winograd's or Fourier's transform, which round.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import linear, pad, unfold

from neurodeploy.ir import IntConv, IntDense
from neurodeploy.semantics import bounds
from neurodeploy.semantics.synapses import float_type


def torch_type(dtype: np.dtype[np.floating]) -> torch.dtype:
    """torch's name of a float type."""
    found: torch.dtype = getattr(torch, dtype.name)
    return found


class Synapses:
    """a = shift(sum W_q x, exponent) of one group, for integers x of magnitude up to `largest_input`.

    `(T, N, *in)` -> `(T, N, *out)`, whole numbers in a float type that holds them exactly.
    """

    def __init__(
        self, op: IntDense | IntConv, largest_input: int, device: torch.device, elements: int
    ) -> None:
        dtype = torch_type(float_type(bounds.partial_sums(op, largest_input)))
        weight = torch.tensor(op.weight_q, dtype=dtype, device=device)
        self._sums = _dense(weight) if isinstance(op, IntDense) else _convolution(op, weight, elements)
        self._factor = 2.0**op.exponent

    def __call__(self, x: Tensor) -> Tensor:
        """The currents."""
        images = self._sums(x.flatten(0, 1))
        if self._factor != 1:
            images *= self._factor
        if self._factor < 1:
            images.floor_()
        return images.reshape(*x.shape[:2], *images.shape[1:])


Sums = Callable[[Tensor], Tensor]


def _dense(weight: Tensor) -> Sums:
    return lambda x: linear(x.to(weight.dtype), weight)


def _convolution(op: IntConv, weight: Tensor, elements: int) -> Sums:
    """`(images, in, *spatial)` -> `(images, out, *places)`, at most so many elements unfolded at a time."""
    windows, groups = op.windows.two_axes(), op.groups
    top, left, bottom, right = windows.padding
    filters = weight.reshape(groups, len(weight) // groups, -1)

    def sums(x: Tensor) -> Tensor:
        images = x.to(weight.dtype) if x.ndim == 4 else x.to(weight.dtype).unsqueeze(2)
        places = windows.places((images.shape[2], images.shape[3]))
        unfolded = images.shape[1] * prod(windows.kernel) * prod(places)
        parts = torch.split(images, max(1, elements // unfolded))
        whole = torch.cat([products(part) for part in parts])
        extents = places if x.ndim == 4 else places[1:]
        return whole.reshape(len(x), len(weight), *extents)

    def products(images: Tensor) -> Tensor:
        padded = pad(images, (left, right, top, bottom))
        columns = unfold(padded, windows.kernel, windows.dilation, stride=windows.stride)
        return torch.matmul(filters, columns.reshape(len(images), groups, -1, columns.shape[-1]))

    return sums
