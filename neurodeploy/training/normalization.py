"""Batch norm over samples, places and time: statistics while spiking, and the gradient on rates.

y = gamma * (c - mean) * inverse + beta,   inverse = 1 / sqrt(var + eps)       per channel
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

from neurodeploy.errors import UnsupportedError

BatchNorm = torch.nn.BatchNorm1d | torch.nn.BatchNorm2d


class Norm:
    """A batch norm layer; its tensors are the module's own. c is `(N, C)` or `(N, C, H, W)`."""

    def __init__(self, name: str, module: BatchNorm) -> None:
        if module.running_mean is None or module.running_var is None or module.momentum is None:
            raise UnsupportedError(
                f"layer {name!r} ({type(module).__name__}): batch norm without running statistics or momentum "
                "cannot be deployed. Use track_running_stats=True and a momentum"
            )
        self.name, self.module = name, module
        self.running_mean, self.running_var = module.running_mean, module.running_var
        self.momentum: float = module.momentum

    def apply(self, c: torch.Tensor, mean: torch.Tensor, inverse: torch.Tensor) -> torch.Tensor:
        """y by these statistics, each `(C,)`."""
        gain = inverse if self.module.weight is None else inverse * self.module.weight
        shift = -mean * gain
        if self.module.bias is not None:
            shift = shift + self.module.bias
        return wide(shift, c) + c * wide(gain, c)

    def running(self, c: torch.Tensor) -> torch.Tensor:
        """y by the running statistics, as in inference."""
        return self.apply(c, self.running_mean, (self.running_var + self.module.eps).rsqrt())

    def track(self, mean: torch.Tensor, var: torch.Tensor, count: float) -> None:
        """Move the running statistics towards a batch's mean and biased variance over `count` values."""
        self.running_mean.lerp_(mean.detach(), self.momentum)
        self.running_var.lerp_(var.detach() * (count / max(count - 1, 1)), self.momentum)
        if self.module.num_batches_tracked is not None:
            self.module.num_batches_tracked += 1


def wide(vector: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """`(C,)` so that it broadcasts over `(N, C, ...)`."""
    return vector.view(1, -1, *[1] * (like.ndim - 2))


def channel_sum(c: torch.Tensor) -> torch.Tensor:
    """Sum over all axes but the channels: `(N, C, ...)` -> `(C,)`."""
    return c.sum([axis for axis in range(c.ndim) if axis != 1])


def moments(c: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and biased variance of each channel."""
    count = c.numel() // c.shape[1]
    mean = channel_sum(c) / count
    return mean, channel_sum((c - wide(mean, c)).square()) / count


class JointMoments:
    """Mean and variance of each channel over several time steps of equal size."""

    def __init__(self) -> None:
        self.mean = self._squares = torch.empty(0)
        self.count = 0

    def add(self, c: torch.Tensor) -> None:
        """Take in one time step."""
        mean, var = moments(c)
        squares = var + mean.square()
        self.mean = self.mean + mean if self.count else mean
        self._squares = self._squares + squares if self.count else squares
        self.count = c.numel() // c.shape[1]

    def variance(self, steps: int) -> torch.Tensor:
        """Biased variance over `steps` steps; `mean` is still their sum."""
        return self._squares / steps - (self.mean / steps).square()


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the rate pass of one batch norm needs: mean and inverse deviation `(C,)` of the spiking pass."""

    mean: torch.Tensor
    inverse: torch.Tensor


class Normalizer(Protocol):
    """Batch norm in a spiking pass."""

    def __call__(self, i: int, norm: Norm, c: torch.Tensor) -> torch.Tensor:
        """y of node i at this time step."""


class StepNormalizer:
    """Statistics of each time step by itself, over samples and places; keeps what the rate pass needs.

    mean = mean_t mean[t],   inverse^2 = mean_t 1 / (var[t] + eps)

    With `last_step` those of the last step alone and eps twice, as in the authors' rate-s. `observed` holds,
    by node, the statistics of each step in order, for the running ones.
    """

    def __init__(self, last_step: bool = False) -> None:
        self.last_step = last_step
        self.observed: dict[int, list[tuple[torch.Tensor, torch.Tensor, int]]] = {}
        self._norms: dict[int, Norm] = {}

    def __call__(self, i: int, norm: Norm, c: torch.Tensor) -> torch.Tensor:
        """y of node i at this time step."""
        mean, var = moments(c)
        self._norms[i] = norm
        self.observed.setdefault(i, []).append((mean.detach(), var.detach(), c.numel() // c.shape[1]))
        return norm.apply(c, mean, (var + norm.module.eps).rsqrt())

    def statistics(self, i: int) -> Statistics:
        """Those of node i over the steps so far."""
        eps, seen = self._norms[i].module.eps, self.observed[i]
        if self.last_step:
            mean, var, _ = seen[-1]
            return Statistics(mean, (var + 2 * eps).rsqrt())
        means = torch.stack([mean for mean, _, _ in seen])
        squares = torch.stack([1 / (var + eps) for _, var, _ in seen])
        return Statistics(means.mean(0), squares.mean(0).sqrt())

    def track(self, steps: int) -> None:
        """Move the running statistics once a step, also for a layer that a static input feeds."""
        for i, seen in self.observed.items():
            for t in range(steps):
                self._norms[i].track(*seen[min(t, len(seen) - 1)])


class JointNormalizer:
    """One statistic for all time steps of a batch, over time, samples and places; known beforehand."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[Norm, torch.Tensor, torch.Tensor, float]] = {}

    def know(self, i: int, norm: Norm, mean: torch.Tensor, var: torch.Tensor, count: float) -> None:
        """Mean and biased variance of node i over `count` values."""
        self._found[i] = (norm, mean, var, count)

    def __call__(self, i: int, norm: Norm, c: torch.Tensor) -> torch.Tensor:
        """y of node i at this time step."""
        found = self.statistics(i)
        return norm.apply(c, found.mean, found.inverse)

    def statistics(self, i: int) -> Statistics:
        """Those of node i."""
        norm, mean, var, _ = self._found[i]
        return Statistics(mean, (var + norm.module.eps).rsqrt())

    def track(self, steps: int) -> None:
        """Move the running statistics once."""
        for norm, mean, var, count in self._found.values():
            norm.track(mean, var, count)


def running(i: int, norm: Norm, c: torch.Tensor) -> torch.Tensor:
    """The normalizer of inference."""
    return norm.running(c)


def rate_gradients(
    norm: Norm, c: torch.Tensor, delta: torch.Tensor, found: Statistics
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    r"""dL/dc and the gradients of gamma and beta, from delta = dL/dy of a rate pass.

    The values of mean and variance are those of the spiking pass, their derivatives those of
    m = mean(c) and mean((c - m)^2) of the rates:

        dvar = -1/2 sum(g (c - mean)) inverse^3,   g = gamma * delta,   K values per channel
        dmean = -sum(g) inverse - dvar 2 / K sum(c - mean)
        dc = g inverse + dvar 2 / K (c - mean) + dmean / K
    """
    count = c.numel() // c.shape[1]
    centred = c - wide(found.mean, c)
    g = delta if norm.module.weight is None else delta * wide(norm.module.weight, c)
    dvar = -0.5 * channel_sum(g * centred) * found.inverse**3
    dmean = -channel_sum(g) * found.inverse - dvar * 2 / count * channel_sum(centred)
    dc = g * wide(found.inverse, c) + centred * wide(dvar * 2 / count, c) + wide(dmean / count, c)
    own = {}
    if norm.module.weight is not None:
        own[f"{norm.name}.weight"] = channel_sum(delta * centred) * found.inverse
    if norm.module.bias is not None:
        own[f"{norm.name}.bias"] = channel_sum(delta)
    return dc, own
