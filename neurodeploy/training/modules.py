"""Layers of spiking networks that torch does not have; each is one time step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import torch

from neurodeploy.errors import UsageError

SPIKE_SCALE = 2.74
"""1 / std(H(x - 1)) for x ~ N(0, 1): with it the spikes of a neuron at threshold 1 have variance 1."""


class Normalize(torch.nn.Module):
    """y = (x - mean) / std, fixed numbers of each channel; the first layer where the data are not normalized.

    Buffers mean and std float `(C, 1, 1)`; x and y `(batch, C, H, W)`, or `(batch, H, W)` where C is 1.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        if not len(mean) == len(std) > 0:
            raise UsageError(f"Normalize: {len(mean)} means and {len(std)} deviations; give one a channel")
        if not all(map(isfinite, (*mean, *std))) or min(std) <= 0:
            raise UsageError(f"Normalize: deviations must be positive, all numbers finite: {mean}, {std}")
        self._constants = tuple(mean), tuple(std)
        for name, values in zip(("mean", "std"), self._constants, strict=True):
            self.register_buffer(name, torch.tensor(values).view(-1, 1, 1))

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """The numbers given at first."""
        for buffer, values in zip((self.mean, self.std), self._constants, strict=True):
            buffer.copy_(torch.tensor(values, device="cpu").view(-1, 1, 1))

    def extra_repr(self) -> str:
        """Mean and deviation, for `repr()`."""
        mean, std = self._constants
        return f"mean={mean}, std={std}"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(x - mean) / std."""
        return (x - self.mean) / self.std


class ScaledWSConv2d(torch.nn.Conv2d):
    """Convolution with scaled weight standardization: its currents keep the variance of its input.

        W_hat = gain * (W - mean(W)) / sqrt(var(W) * N + eps)        N = in_channels / groups * k * k, eps = 1e-4

    Mean and unbiased variance are over the N weights of one output channel, and gradients pass through both.
    Shapes: weight W `(out, in / groups, k, k)`, gain `(out, 1, 1, 1)`, 1 at first; x `(batch, in, H, W)` ->
    `(batch, out, H', W')`. Arguments are those of `torch.nn.Conv2d`.
    Source: Brock, De, Smith, ICLR 2021, eq. 1; constants as in Xiao et al., NeurIPS 2022 (OTTT).
    """

    EPS = 1e-4

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, **options: Any) -> None:
        super().__init__(in_channels, out_channels, kernel_size, **options)
        if self.weight[0].numel() < 2:
            raise UsageError("ScaledWSConv2d: one weight a channel has no variance. Use a larger kernel")
        self.gain = torch.nn.Parameter(self.weight.new_ones(out_channels, 1, 1, 1))

    def effective_weight(self) -> torch.Tensor:
        """W_hat, in the shape of `weight`: what the synapses are."""
        variance, mean = torch.var_mean(self.weight, dim=(1, 2, 3), correction=1, keepdim=True)
        inputs = self.weight[0].numel()
        return (self.weight - mean) / torch.sqrt(variance * inputs + self.EPS) * self.gain

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Currents of one time step."""
        currents: torch.Tensor = self._conv_forward(x, self.effective_weight(), self.bias)
        return currents


class Scale(torch.nn.Module):
    """y = factor * x, a fixed number; any shape."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def extra_repr(self) -> str:
        """The factor, for `repr()`."""
        return f"{self.factor}"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """factor * x."""
        return x * self.factor


class LearnedScale(torch.nn.Module):
    """y = factor * gain * x with one learnable number `gain`, shape `(1,)`, zero at first; any shape.

    At the end of a residual branch: the block starts as the identity.
    Source: NF-ResNet (Brock, De, Smith, ICLR 2021) with SkipInit, as in Xiao et al., NeurIPS 2022 (OTTT).
    """

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor
        self.gain = torch.nn.Parameter(torch.zeros(1))

    def reset_parameters(self) -> None:
        """Gain 0, as at first."""
        torch.nn.init.zeros_(self.gain)

    def extra_repr(self) -> str:
        """The factor, for `repr()`."""
        return f"{self.factor}"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """factor * gain * x."""
        return x * (self.gain * self.factor)


class NeuronDropout(torch.nn.Module):
    """Neurons dropped while training rules learn, one mask for all steps of a sample; y = x in every other run.

        y[t] = m * x[t] / (1 - p),   m = 0 with `probability` p, else 1, one for each neuron and sample

    Any shape. Source: Xiao et al., NeurIPS 2022 (OTTT), for CIFAR10-DVS; Gal, Ghahramani, NeurIPS 2016 (one mask).
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        if not 0.0 <= probability < 1.0:
            raise UsageError(
                f"NeuronDropout: the probability must be 0 or more and below 1, not {probability}"
            )
        self.probability = probability

    def extra_repr(self) -> str:
        """The probability, for `repr()`."""
        return f"{self.probability}"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x, unchanged."""
        return x


class Residual(torch.nn.Module):
    """y = body(x) + shortcut(x); the shortcut is `torch.nn.Identity` where nothing changes its shape.

    Shapes: x `(batch, C, H, W)` -> `(batch, C', H', W')`, the same from both branches.
    """

    def __init__(self, body: torch.nn.Module, shortcut: torch.nn.Module) -> None:
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The sum of both branches."""
        total: torch.Tensor = self.body(x) + self.shortcut(x)
        return total


@dataclass(slots=True)
class Memory:
    """Spikes of the last time step, on their way back; None before the first step."""

    value: torch.Tensor | None = None


class Remember(torch.nn.Module):
    """y[t] = f[t], kept without its gradient for the next time step; any shape."""

    def __init__(self, memory: Memory) -> None:
        super().__init__()
        self.memory = memory

    def forward(self, f: torch.Tensor) -> torch.Tensor:
        """f[t], unchanged."""
        self.memory.value = f.detach()
        return f


class Recall(torch.nn.Module):
    """Feedback with a delay of one step: y[t] = I[t] + conv(up(f[t-1])), and y[0] = I[0] without any bias.

    f is what the `Remember` of the same `memory` kept; `up` repeats every value `factor` times on both axes.
    Shapes: f `(batch, C, H, W)`, I and y `(batch, C', H * factor, W * factor)`.
    Source: Xiao et al., NeurIPS 2022 (OTTT), the feedback connection of VGG-F.
    """

    def __init__(self, memory: Memory, conv: torch.nn.Conv2d, factor: int) -> None:
        super().__init__()
        self.memory, self.conv = memory, conv
        self.up = torch.nn.Upsample(scale_factor=factor, mode="nearest")

    def reset(self) -> None:
        """Forget the last sample."""
        self.memory.value = None

    def forward(self, current: torch.Tensor) -> torch.Tensor:
        """I[t] -> y[t]."""
        if self.memory.value is None:
            return current
        fed_back: torch.Tensor = self.conv(self.up(self.memory.value))
        return current + fed_back
