"""Mixed precision: synapses multiply numbers of 16 bits; potentials, traces, losses and weights keep their type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import torch

from neurodeploy.errors import UsageError
from neurodeploy.training.structure import Network
from neurodeploy.training.synapses import Convolution, Dense, Synapse

Precision = Literal["fp32", "bf16", "fp16"]
LOW: dict[str, torch.dtype] = {"bf16": torch.bfloat16, "fp16": torch.float16}
"""The types of 16 bits; fp32 is the parameters' own."""

_ROOM = 2.0**15
"""fp16 ends at 65504."""


def check_precision(precision: Precision, device: torch.device) -> None:
    """Raise `UsageError` where this device has no fast arithmetic of that precision."""
    if precision == "fp16" and device.type == "cpu":
        raise UsageError("precision fp16 is for GPUs, not for cpu. Try bf16, or --device cuda")


def multiply(
    product: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    error: torch.Tensor,
    other: torch.Tensor,
    terms: int,
    dtype: torch.dtype,
) -> torch.Tensor:
    """product(error, other), linear in both, its factors and its result rounded to `dtype`; of error's type.

    fp16 ends early on both sides: `error` is first scaled by the largest power of two with which `terms`
    products added stay below 2^15, and the result is scaled back, so that small errors do not become 0.
    """
    if dtype is not torch.float16:
        return product(error.to(dtype), other.to(dtype)).to(error.dtype)
    bound = error.abs().amax().clamp_min(1e-30) * other.abs().amax().to(error.dtype).clamp_min(1e-30) * terms
    scale = torch.exp2((_ROOM / bound).log2().floor().clamp(-100, 100))
    return product((error * scale).to(dtype), other.to(dtype)).to(error.dtype) / scale


class Rounded(Synapse):
    """A synapse whose products have factors of 16 bits; its bias is added in full.

    I = low(W) low(h) + b,   dL/dh = low(W)^T low(delta),   dL/dW = low(delta) low(trace)^T
    """

    def __init__(self, inner: Dense | Convolution, dtype: torch.dtype) -> None:
        super().__init__(inner.name, inner.weight, inner.bias)
        self._inner, self._own, self._dtype = inner, inner.weight, dtype
        inner.bias = None
        self._lower()

    def refresh(self) -> None:
        """Compute the effective weight anew, and round it; differentiable by the parameters."""
        self._inner.weight = self._own
        self._inner.refresh()
        self.weight = self._inner.weight
        self._lower()

    def _lower(self) -> None:
        self._inner.weight = self.weight.detach().to(self._dtype)

    def current(self, h: torch.Tensor) -> torch.Tensor:
        """I of the input h."""
        current: torch.Tensor = _Current.apply(h, self.weight, self)  # type: ignore[no-untyped-call]
        if self.bias is None:
            return current
        return current + self.bias.view(-1, *[1] * (current.ndim - 2))

    def rounded_current(self, h: torch.Tensor) -> torch.Tensor:
        """low(W) low(h), in the type of h."""
        return self._inner.current(h.to(self._dtype)).to(h.dtype)

    def input_gradient(self, delta: torch.Tensor, shape: torch.Size) -> torch.Tensor:
        """dL/dh, of `shape`, from delta = dL/dI."""
        terms = self.weight.numel() // self.weight.shape[1]
        low = self._inner.weight
        return multiply(lambda d, w: self._inner.input_gradient(d, shape), delta, low, terms, self._dtype)

    def weight_gradient(self, delta: torch.Tensor, trace: torch.Tensor) -> torch.Tensor:
        """dL/dW from delta = dL/dI and the input or its trace."""
        terms = delta.numel() // delta.shape[1]
        return multiply(self._inner.weight_gradient, delta, trace, terms, self._dtype)

    def _weight_gradients(self, gradient: torch.Tensor) -> dict[str, torch.Tensor]:
        return self._inner._weight_gradients(gradient)


class _Current(torch.autograd.Function):
    """The current of a rounded synapse, with its own gradients for autograd."""

    @staticmethod
    def forward(ctx: Any, h: torch.Tensor, weight: torch.Tensor, synapse: Rounded) -> torch.Tensor:
        ctx.save_for_backward(h)
        ctx.synapse = synapse
        return synapse.rounded_current(h)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor, None]:
        (h,), (delta,) = ctx.saved_tensors, gradients
        back = ctx.synapse.input_gradient(delta, h.shape) if ctx.needs_input_grad[0] else None
        return back, ctx.synapse.weight_gradient(delta, h), None


def rounded(network: Network, dtype: torch.dtype) -> Network:
    """The network with every Dense and Convolution rounded; those of `network` must not be used any more."""
    return Network(
        tuple(
            replace(node, op=Rounded(node.op, dtype)) if isinstance(node.op, Dense | Convolution) else node
            for node in network.nodes
        )
    )
