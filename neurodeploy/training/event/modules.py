"""Layers of networks for the event-driven rule, one time step at a time."""

from __future__ import annotations

from typing import Literal

import torch
from torch.nn.functional import conv2d, linear

from neurodeploy.training.event.neurons import Dynamics, mix

STANDARDIZE_EPS = 1e-5


class SpikeResponse(torch.nn.Module):
    """Spike response neurons; time constants in steps.

        m[t] = (m[t-1] + I[t]) (1 - 1/tau_m),   s[t] = (s[t-1] + I[t]) (1 - 1/tau_s)
        u[t] = (m[t] - s[t]) tau_m / (tau_m - tau_s);   fires where u[t] >= threshold ('ge');   then m = s = 0

    The same as a current-based neuron that forgets current and potential at a spike: with
    j[t] = (1 - 1/tau_s) j[t-1] + I[t], u[t] = (1 - 1/tau_m) u[t-1] + j[t] / tau_s.
    I[t] `(batch, ...)` float -> zeros and ones of the same shape and dtype. State stays until `reset()`.
    """

    compare: Literal["ge"] = "ge"

    def __init__(self, tau_m: float = 5.0, tau_s: float = 3.0, threshold: float = 1.0) -> None:
        super().__init__()
        self.dynamics = Dynamics(tau_m, tau_s, threshold)
        self.traces: dict[float, torch.Tensor] = {}

    def extra_repr(self) -> str:
        """Settings, for `repr()`."""
        return repr(self.dynamics)

    def reset(self) -> None:
        """Forget the last sample."""
        self.traces = {}

    def forward(self, current: torch.Tensor) -> torch.Tensor:
        """One time step: I[t] -> s[t]."""
        current, kernel = current.detach(), self.dynamics.kernel
        zero = torch.zeros_like(current)
        traces = {decay: (self.traces.get(decay, zero) + current).mul_(decay) for decay, _ in kernel}
        fired = mix(traces, kernel, out=zero) >= self.dynamics.threshold
        self.traces = {decay: trace.masked_fill_(fired, 0.0) for decay, trace in traces.items()}
        return fired.to(current.dtype)


def standardize(weight: torch.Tensor, gain: torch.Tensor, offset: torch.Tensor) -> torch.Tensor:
    """Weights of each output channel with mean `offset` and standard deviation about `gain`.

    (w - mean) / sqrt(var + 1e-5) * gain + offset, mean and unbiased variance over all but the first axis.
    weight `(out, ...)`, gain and offset `(out,)`. Gradients are the true ones.
    """
    flat = weight.flatten(1)
    centred = flat - flat.mean(1, keepdim=True)
    scale = gain / (flat.var(1) + STANDARDIZE_EPS).sqrt()
    return (centred * scale.unsqueeze(1) + offset.unsqueeze(1)).view_as(weight)


class StandardizedLinear(torch.nn.Linear):
    """A Linear without bias whose weights are standardized per neuron; see `standardize`."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, bias=False)
        self.norm_weight = torch.nn.Parameter(torch.ones(outputs))
        self.norm_bias = torch.nn.Parameter(torch.zeros(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """W x with the standardized weights."""
        return linear(x, standardize(self.weight, self.norm_weight, self.norm_bias))


class StandardizedConv2d(torch.nn.Conv2d):
    """A Conv2d without bias whose weights are standardized per output channel; see `standardize`."""

    def __init__(self, inputs: int, outputs: int, size: int, padding: int = 0) -> None:
        super().__init__(inputs, outputs, size, padding=padding, bias=False)
        self.norm_weight = torch.nn.Parameter(torch.ones(outputs))
        self.norm_bias = torch.nn.Parameter(torch.zeros(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """W * x with the standardized weights."""
        weight = standardize(self.weight, self.norm_weight, self.norm_bias)
        return conv2d(x, weight, None, self.stride, self.padding)


class Residual(torch.nn.Module):
    """body(x) + x of spikes: an identity shortcut around a chain of layers (as in SEW-ResNet)."""

    body: torch.nn.Sequential

    def __init__(self, body: torch.nn.Sequential) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """One time step."""
        spikes: torch.Tensor = self.body(x)
        return spikes + x


def effective_weight(layer: torch.nn.Linear | torch.nn.Conv2d) -> torch.Tensor:
    """The weights a layer applies: its own, standardized where it does so; differentiable."""
    if isinstance(layer, StandardizedLinear | StandardizedConv2d):
        return standardize(layer.weight, layer.norm_weight, layer.norm_bias)
    return layer.weight


def scale_weight(layer: torch.nn.Linear | torch.nn.Conv2d, factor: float) -> None:
    """Multiply the effective weights of a layer by `factor`, in place."""
    parameters: tuple[torch.Tensor, ...] = (layer.weight,)
    if isinstance(layer, StandardizedLinear | StandardizedConv2d):
        parameters = (layer.norm_weight, layer.norm_bias)
    for parameter in parameters:
        parameter.data.mul_(factor)
