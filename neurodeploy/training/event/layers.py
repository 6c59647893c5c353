"""Layers of neurons, pooling and sums whose backward pass carries gradients of spike times.

Tensors of spikes are `(T, N, *shape)`, zeros and ones, static input `(1, N, *shape)` for the same at all
steps. In the backward pass the gradient of a spike tensor is dL/dt_k at each spike; elsewhere it is ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch.autograd.function import once_differentiable
from torch.nn.functional import avg_pool2d, conv2d, linear, max_pool2d

from neurodeploy.training.event.backward import time_credit, weight_credit
from neurodeploy.training.event.loss import supervised
from neurodeploy.training.event.neurons import Dynamics, respond
from neurodeploy.training.event.options import EventOptions


class Synapses(Protocol):
    """A linear map without bias; x `(M, *in)`, current `(M, *out)`."""

    def current(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """W x."""

    def transposed(self, current: torch.Tensor, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """W^T current, in the shape of x."""

    def weight_gradient(self, current: torch.Tensor, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Sum over M of current x^T, in the shape of the weight."""


@dataclass(frozen=True, slots=True)
class Dense:
    """Weight `(out, in)`: every input to every neuron."""

    def current(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """W x."""
        return linear(x, weight)

    def transposed(self, current: torch.Tensor, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """W^T current."""
        return current @ weight

    def weight_gradient(self, current: torch.Tensor, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Sum over M of current x^T."""
        return current.t() @ x


@dataclass(frozen=True, slots=True)
class Conv2d:
    """Weight `(out, in, kh, kw)`, images `(M, C, H, W)`."""

    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)

    def current(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """W x."""
        return conv2d(x, weight, stride=self.stride, padding=self.padding)

    def transposed(self, current: torch.Tensor, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """W^T current."""
        return self._backward(current, x, weight, (True, False, False))[0]

    def weight_gradient(self, current: torch.Tensor, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Sum over M of current x^T."""
        return self._backward(current, x, weight, (False, True, False))[1]

    def _backward(
        self, current: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, wanted: tuple[bool, bool, bool]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        found: tuple[torch.Tensor, torch.Tensor, torch.Tensor] = torch.ops.aten.convolution_backward(
            current, x, weight, None, self.stride, self.padding, (1, 1), False, (0, 0), 1, wanted
        )
        return found


def apart(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """`(M, *shape)` -> `(T, N, *shape)` with the first two axes of `like`, M = T N."""
    return x.reshape(*like.shape[:2], *x.shape[1:])


class _SpikingLayer(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        synapses: Synapses,
        steps: int,
        dynamics: Dynamics,
        options: EventOptions,
        labels: torch.Tensor | None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        current = apart(synapses.current(x.flatten(0, 1), weight), x)
        response = respond(current, steps, dynamics, options.h(dynamics))
        fired = response.fired if labels is None else supervised(response.fired, response.slope, labels)
        ctx.save_for_backward(x, weight, fired, response.slope, response.weight)
        ctx.synapses, ctx.dynamics, ctx.options = synapses, dynamics, options
        own = response.fired.to(x.dtype)
        ctx.mark_non_differentiable(own)
        return fired.to(x.dtype), own

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor, _: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight, fired, slope, event_weight = ctx.saved_tensors
        dynamics, options = ctx.dynamics, ctx.options
        flat = x.flatten(0, 1)
        for_x = for_weight = None
        if ctx.needs_input_grad[1]:
            a = weight_credit(gradient, fired, slope, dynamics.kernel, options.inverse_slope_limit)
            for_weight = ctx.synapses.weight_gradient(_gather(a, x), flat, weight)
        if ctx.needs_input_grad[0]:
            b = time_credit(gradient, fired, event_weight, options.h(dynamics), options.inverse_weight_limit)
            back = ctx.synapses.transposed(_gather(b, x), flat, weight)
            for_x = back.mul_(flat).mul_(options.input_scale).view_as(x)
        return for_x, for_weight, None, None, None, None, None


def _gather(credited: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """`(T, N, *shape)` -> `(T N, *shape)`, or `(N, *shape)` summed over time where x is static."""
    return credited.sum(0) if len(x) == 1 else credited.flatten(0, 1)


def spiking(
    x: torch.Tensor,
    weight: torch.Tensor,
    synapses: Synapses,
    steps: int,
    dynamics: Dynamics,
    options: EventOptions,
    labels: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Spikes of a layer, twice: supervised with `labels` (int64 `(N,)`, None for none), and as they were.

    x `(steps, N, *in)` or `(1, N, *in)` -> `(steps, N, *out)`. Gradients of the first by x are those of event
    times (eq. 13), by the weight those of eq. 14.
    """
    spikes, own = _SpikingLayer.apply(x, weight, synapses, steps, dynamics, options, labels)  # type: ignore[no-untyped-call]
    return spikes, own


class _Shared(torch.autograd.Function):
    """The value of the first tensor, the gradient of the second."""

    @staticmethod
    def forward(ctx: Any, value: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[None, torch.Tensor]:
        return None, gradient


def _share(value: torch.Tensor, half_squares: torch.Tensor, total: torch.Tensor) -> torch.Tensor:
    """`value`, its gradient g given to each x_j as g * x_j / total, d(half_squares)/dx_j being x_j."""
    safe = torch.where(total > 0, total, 1).detach()
    shared: torch.Tensor = _Shared.apply(value.detach(), half_squares / safe)  # type: ignore[no-untyped-call]
    return shared


def adjusted_average_pool(
    x: torch.Tensor, size: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int] = (0, 0)
) -> torch.Tensor:
    """Mean of each window of x `(T, N, C, H, W)`, its gradient divided among the spikes of the window.

    dL/dx_j = g * x_j / sum of the window's x: with n spikes 1/n each (section 4.4). 0 without spikes.
    """
    frames, area = x.flatten(0, 1), size[0] * size[1]
    mean = avg_pool2d(frames, size, stride, padding)
    half_squares = avg_pool2d(frames.square(), size, stride, padding) * (area / 2)
    return apart(_share(mean, half_squares, mean.detach() * area), x)


def average_pool(
    x: torch.Tensor, size: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int] = (0, 0)
) -> torch.Tensor:
    """Mean of each window of x `(T, N, C, H, W)`, with its derivative: 1/n to each of n places, spike or not."""
    return apart(avg_pool2d(x.flatten(0, 1), size, stride, padding), x)


def max_pool(
    x: torch.Tensor, size: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int] = (0, 0)
) -> torch.Tensor:
    """Largest of each window of x `(T, N, C, H, W)`; the first of several has the gradient."""
    return apart(max_pool2d(x.flatten(0, 1), size, stride, padding), x)


def residual_add(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """a + b of spikes; its gradient g is divided as g * a / (a + b) and g * b / (a + b), 0 without spikes."""
    total = a.detach() + b.detach()
    return _share(total, (a.square() + b.square()) / 2, total)
