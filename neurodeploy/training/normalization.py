"""Batch norm over samples, places and time: statistics while spiking, and the gradient on rates.

y = gamma * (c - mean) * inverse + beta,   inverse = 1 / sqrt(var + eps)       per channel

Where several processes share a batch, statistics are those of the joint batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

from neurodeploy.errors import UnsupportedError
from neurodeploy.training.rule import Batch

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

    def track(self, mean: torch.Tensor, var: torch.Tensor, count: float, steps: int) -> None:
        """Move the running statistics by `steps` steps.

        running = (1 - momentum)^steps running + moved

        `mean` and biased `var`, over `count` values a step, are what moves from 0 have come to.
        """
        kept = (1 - self.momentum) ** steps
        self.running_mean.mul_(kept).add_(mean)
        self.running_var.mul_(kept).add_(var, alpha=count / max(count - 1, 1))
        if self.module.num_batches_tracked is not None:
            self.module.num_batches_tracked += steps


def wide(vector: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """`(C,)` so that it broadcasts over `(N, C, ...)`."""
    return vector.view(1, -1, *[1] * (like.ndim - 2))


def channel_sum(c: torch.Tensor) -> torch.Tensor:
    """Sum over all axes but the channels: `(N, C, ...)` -> `(C,)`."""
    return c.sum([axis for axis in range(c.ndim) if axis != 1])


def channel_mean(c: torch.Tensor) -> torch.Tensor:
    """Mean over all axes but the channels: `(N, C, ...)` -> `(C,)`."""
    return channel_sum(c) / (c.numel() // c.shape[1])


def moments(c: torch.Tensor, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and biased variance of each channel, over the joint batch."""
    mean = batch.mean(channel_mean(c))
    return mean, batch.mean(channel_mean((c - wide(mean, c)).square()))


class JointMoments:
    """Mean and variance of each channel over several time steps of equal size."""

    def __init__(self) -> None:
        self._means = self._squares = torch.empty(0)
        self.count = 0

    def add(self, c: torch.Tensor) -> None:
        """Take in one time step."""
        mean = channel_mean(c)
        squares = channel_mean((c - wide(mean, c)).square()) + mean.square()
        self._means = self._means + mean if self.count else mean
        self._squares = self._squares + squares if self.count else squares
        self.count = c.numel() // c.shape[1]

    def result(self, steps: int, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and biased variance over `steps` steps of the joint batch; `count` values a step are of this one."""
        mean, squares = batch.mean(torch.stack([self._means, self._squares]) / steps)
        return mean, squares - mean.square()


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the rate pass of one batch norm needs: mean and inverse deviation `(C,)` of the spiking pass."""

    mean: torch.Tensor
    inverse: torch.Tensor


class Normalizer(Protocol):
    """Batch norm in a spiking pass."""

    def __call__(self, i: int, norm: Norm, c: torch.Tensor) -> torch.Tensor:
        """y of node i at this time step."""


class Observed:
    """Statistics of one batch norm over the steps so far, in tensors `(C,)` whose number does not grow with them.

    `mean` and `var` are those of the last step, `means` and `squares` the sums of mean[t] and 1 / (var[t] + eps),
    `count` how many values a step had.
    """

    def __init__(self, norm: Norm, like: torch.Tensor, count: int) -> None:
        self.norm, self.count, self.steps = norm, count, 0
        self.mean, self.var = like, like
        self.means, self.squares = torch.zeros_like(like), torch.zeros_like(like)
        self._moved = torch.zeros_like(like), torch.zeros_like(like)

    def add(self, mean: torch.Tensor, var: torch.Tensor) -> None:
        """Take in one time step."""
        self.mean, self.var, self.steps = mean, var, self.steps + 1
        self.means.add_(mean)
        self.squares.add_((var + self.norm.module.eps).reciprocal_())
        for moved, value in zip(self._moved, (mean, var), strict=True):
            moved.lerp_(value, self.norm.momentum)

    def track(self, steps: int, share: float) -> None:
        """Move the running statistics `steps` times; a layer that a static input feeds was seen once only.

        `share` are the values of the joint batch for each one of this.
        """
        while self.steps < steps:
            self.add(self.mean, self.var)
        self.norm.track(*self._moved, self.count * share, steps)


class StepNormalizer:
    """Statistics of each time step by itself, over samples and places; keeps what the rate pass needs.

    mean = mean_t mean[t],   inverse^2 = mean_t 1 / (var[t] + eps)

    With `last_step` those of the last step alone and eps twice, as in the authors' rate-s.
    """

    def __init__(self, batch: Batch, last_step: bool = False) -> None:
        self.batch, self.last_step = batch, last_step
        self._observed: dict[int, Observed] = {}

    def __call__(self, i: int, norm: Norm, c: torch.Tensor) -> torch.Tensor:
        """y of node i at this time step."""
        mean, var = moments(c, self.batch)
        if i not in self._observed:
            self._observed[i] = Observed(norm, mean.detach(), c.numel() // c.shape[1])
        self._observed[i].add(mean.detach(), var.detach())
        return norm.apply(c, mean, (var + norm.module.eps).rsqrt())

    def statistics(self, i: int) -> Statistics:
        """Those of node i over the steps so far."""
        seen = self._observed[i]
        if self.last_step:
            return Statistics(seen.mean, (seen.var + 2 * seen.norm.module.eps).rsqrt())
        return Statistics(seen.means / seen.steps, (seen.squares / seen.steps).sqrt())

    def track(self, steps: int) -> None:
        """Move the running statistics once a step."""
        share = self.batch.joint_share() if self._observed else 1.0
        for seen in self._observed.values():
            seen.track(steps, share)


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
            norm.track(mean * norm.momentum, var * norm.momentum, count, 1)


def running(i: int, norm: Norm, c: torch.Tensor) -> torch.Tensor:
    """The normalizer of inference."""
    return norm.running(c)


def rate_gradients(
    norm: Norm, c: torch.Tensor, delta: torch.Tensor, found: Statistics, batch: Batch
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    r"""dL/dc and the gradients of gamma and beta, from delta = dL/dy of a rate pass.

    The values of mean and variance are those of the spiking pass, their derivatives those of
    m = mean(c) and mean((c - m)^2) of the rates:

        dvar = -1/2 sum(g (c - mean)) inverse^3,   g = gamma * delta,   K values per channel
        dmean = -sum(g) inverse - dvar 2 / K sum(c - mean)
        dc = g inverse + dvar 2 / K (c - mean) + dmean / K

    Sums are over the joint batch of n processes, each of whose delta is of its own mean loss: so a sum is
    sum_r weight_r sum_r(...), and 1 / K, after dividing by weight_r, that of the process's own values.
    """
    count = c.numel() // c.shape[1]
    centred = c - wide(found.mean, c)
    g = delta if norm.module.weight is None else delta * wide(norm.module.weight, c)
    dvar = -0.5 * batch.mean(channel_sum(g * centred)) * found.inverse**3
    dmean = -batch.mean(channel_sum(g)) * found.inverse - dvar * 2 * batch.mean(channel_mean(centred))
    dc = g * wide(found.inverse, c) + centred * wide(dvar * 2 / count, c) + wide(dmean / count, c)
    own = {}
    if norm.module.weight is not None:
        own[f"{norm.name}.weight"] = channel_sum(delta * centred) * found.inverse
    if norm.module.bias is not None:
        own[f"{norm.name}.bias"] = channel_sum(delta)
    return dc, own
