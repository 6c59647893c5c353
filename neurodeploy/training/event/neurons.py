"""The spike response neuron in discrete time: potentials as sums of decaying responses to input events.

Source: Zhu, Yu, Fang, Xie, Huang, Tian: Training Spiking Neural Networks with Event-driven Backpropagation,
NeurIPS 2022, eqs. 1-4, with Euler decays 1 - 1/tau in place of exp(-1/tau).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import torch

from neurodeploy.errors import UsageError

Kernel = tuple[tuple[float, float], ...]
"""Terms (decay, weight) of k -> sum_i weight_i * decay_i^(k+1), k = 0, 1, ... steps after an input event."""


def decay_of(tau: float, name: str) -> float:
    """Decay 1 - 1/tau per step of a time constant in steps; `UsageError` unless it is above 1."""
    if not (isfinite(tau) and tau > 1):
        raise UsageError(f"{name} must be a number of steps above 1, not {tau}")
    return 1 - 1 / tau


@dataclass(frozen=True, slots=True)
class Dynamics:
    """Time constants in steps, and the threshold, of a layer of neurons.

        eps[k] = tau_m / (tau_m - tau_s) * ((1 - 1/tau_m)^(k+1) - (1 - 1/tau_s)^(k+1)),   k >= 0

    An input acts in its own step. Raises `UsageError` unless tau_m > tau_s > 1 and threshold > 0.
    """

    tau_m: float = 5.0
    tau_s: float = 3.0
    threshold: float = 1.0

    def __post_init__(self) -> None:
        decay_of(self.tau_m, "tau_m"), decay_of(self.tau_s, "tau_s")
        if self.tau_m <= self.tau_s:
            raise UsageError(f"tau_m must be above tau_s, but {self.tau_m} <= {self.tau_s}")
        if not (isfinite(self.threshold) and self.threshold > 0):
            raise UsageError(f"threshold must be positive, not {self.threshold}")

    @property
    def kernel(self) -> Kernel:
        """The response eps of the potential to one event."""
        gain = self.tau_m / (self.tau_m - self.tau_s)
        return ((1 - 1 / self.tau_m, gain), (1 - 1 / self.tau_s, -gain))

    @property
    def slope_kernel(self) -> Kernel:
        """The change of eps from one step to the next, eps[k] - eps[k-1] with eps[-1] = 0."""
        return tuple((decay, weight * (decay - 1) / decay) for decay, weight in self.kernel)


@dataclass(frozen=True, slots=True)
class Response:
    """What neurons did with a current; every tensor is `(T, N, *shape)`.

    `fired` bool; `potential` u[t] before a reset; `slope` u[t] - u[t-1], u[t-1] being 0 at the start and
    after a spike; `weight` the sum of h[t - t_m] I[t_m] over the events since the last spike: at a spike the
    denominator of eq. 13.
    """

    fired: torch.Tensor
    potential: torch.Tensor
    slope: torch.Tensor
    weight: torch.Tensor


def respond(current: torch.Tensor, steps: int, dynamics: Dynamics, h: Kernel) -> Response:
    r"""Run neurons for `steps` steps on the current I `(steps, N, *shape)`, or a static one `(1, N, *shape)`.

    p_i[t] = decay_i * (p_i[t-1] + I[t])            one trace for each decay of eps and h
    u[t] = sum_i weight_i p_i[t],   fires where u[t] >= threshold
    all p_i[t] = 0 where it fired: inputs up to and including this step are forgotten
    """
    size = (steps, *current.shape[1:])
    potential, slope, weight = (current.new_empty(size) for _ in range(3))
    fired = torch.empty(size, dtype=torch.bool, device=current.device)
    traces = {decay: torch.zeros_like(current[0]) for decay, _ in (*dynamics.kernel, *h)}
    before = torch.zeros_like(current[0])
    for t in range(steps):
        for decay, trace in traces.items():
            trace.add_(current[t % len(current)]).mul_(decay)
        mix(traces, dynamics.kernel, out=potential[t])
        mix(traces, h, out=weight[t])
        torch.sub(potential[t], before, out=slope[t])
        torch.ge(potential[t], dynamics.threshold, out=fired[t])
        kept = fired[t].logical_not().to(current.dtype)
        for trace in traces.values():
            trace.mul_(kept)
        torch.mul(potential[t], kept, out=before)
    return Response(fired, potential, slope, weight)


def mix(traces: dict[float, torch.Tensor], kernel: Kernel, out: torch.Tensor) -> torch.Tensor:
    """Write sum_i weight_i * traces[decay_i] to `out`."""
    (decay, weight), *rest = kernel
    torch.mul(traces[decay], weight, out=out)
    for decay, weight in rest:
        out.add_(traces[decay], alpha=weight)
    return out
