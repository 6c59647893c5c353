"""Synapses of the event-driven rule that multiply numbers of 16 bits."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from neurodeploy.training.event.layers import Synapses
from neurodeploy.training.precision import multiply


@dataclass(frozen=True, slots=True)
class RoundedSynapses:
    """The products of `inner`, their factors and results rounded to `dtype`, in the type of x."""

    inner: Synapses
    dtype: torch.dtype

    def current(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """W x."""
        return self.inner.current(x.to(self.dtype), weight.to(self.dtype)).to(x.dtype)

    def transposed(self, current: torch.Tensor, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """W^T current, in the shape of x."""
        terms, low = weight.numel() // weight.shape[1], x.to(self.dtype)
        return multiply(lambda c, w: self.inner.transposed(c, low, w), current, weight, terms, self.dtype)

    def weight_gradient(self, current: torch.Tensor, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Sum over M of current x^T, in the shape of the weight."""
        terms, low = current.numel() // current.shape[1], weight.to(self.dtype)
        return multiply(lambda c, h: self.inner.weight_gradient(c, h, low), current, x, terms, self.dtype)
