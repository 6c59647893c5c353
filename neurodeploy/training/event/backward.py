"""Gradients of spike times: which output spike an input event is credited to, and how much.

Source: Zhu et al., NeurIPS 2022, eqs. 12-14.
"""

from __future__ import annotations

import torch

from neurodeploy.training.event.neurons import Kernel


def credit(values: torch.Tensor, fired: torch.Tensor, kernel: Kernel) -> torch.Tensor:
    r"""For every step the value of the first spike at or after it, times the kernel of the time between.

        c[t] = kernel[t_k - t] * values[t_k],   t_k the first spike with t_k >= t   (0 if there is none)

    computed backwards in time: P_i[t] = decay_i * (values[t] if fired[t] else P_i[t+1]),
    c[t] = sum_i weight_i P_i[t]. values `(T, N, *shape)` float, 0 where nothing fired; fired bool, c like values.
    """
    silent = fired.logical_not().to(values.dtype)
    credited = torch.zeros_like(values)
    for decay, weight in kernel:
        p = torch.zeros_like(values[0])
        for t in reversed(range(len(values))):
            p = torch.addcmul(values[t], silent[t], p).mul_(decay)
            credited[t].add_(p, alpha=weight)
    return credited


def inverse(x: torch.Tensor, fired: torch.Tensor, limit: float) -> torch.Tensor:
    """1/x at spikes, clamped to [0, limit] unless that is 0; 0 elsewhere and where x is 0."""
    inverted = torch.where(fired & (x != 0), x, torch.inf).reciprocal_()
    return inverted if limit == 0 else inverted.clamp_(0.0, limit)


def weight_credit(
    gradient: torch.Tensor, fired: torch.Tensor, slope: torch.Tensor, eps: Kernel, limit: float
) -> torch.Tensor:
    """What each event's x_j is multiplied with for the gradient by w_ij (eq. 14).

    A[t_m] = -gradient[t_k] / slope[t_k] * eps[t_k - t_m]. `gradient` by spike times; all `(T, N, *shape)`.
    """
    return credit(inverse(slope, fired, limit).mul_(gradient).neg_(), fired, eps)


def time_credit(
    gradient: torch.Tensor, fired: torch.Tensor, weight: torch.Tensor, h: Kernel, limit: float
) -> torch.Tensor:
    """What w_ij x_j of each event is multiplied with for the gradient by its time t_m (eq. 13).

    B[t_m] = gradient[t_k] * h[t_k - t_m] / weight[t_k], `weight` being the sum of all h w x that it shares
    with. Over the events of one spike the products with w x sum to gradient[t_k]: eq. 8.
    """
    return credit(inverse(weight, fired, limit).mul_(gradient), fired, h)
