"""The loss of one time step and its gradient by the output, both written out."""

from __future__ import annotations

import torch


def one_hot(labels: torch.Tensor, classes: int, dtype: torch.dtype) -> torch.Tensor:
    """Labels int64 `(batch,)` -> `(batch, classes)` of zeros and ones."""
    zeros = torch.zeros(len(labels), classes, dtype=dtype, device=labels.device)
    return zeros.scatter_(1, labels.unsqueeze(1), 1.0)


def step_loss(
    output: torch.Tensor, target: torch.Tensor, steps: int, eta: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Instantaneous loss of one of `steps` time steps and its gradient by the output.

        L[t] = ((1 - eta) * CE(o[t], y) + eta * MSE(o[t], onehot(y))) / T
        dL[t]/do = ((1 - eta) * (softmax(o) - onehot) / B + 2 * eta * (o - onehot) / (B * C)) / T

    CE is the mean over the batch B, MSE the mean over batch and classes C. o, target (one-hot) and the
    gradient are `(B, C)`, the loss has no axes. Source: Xiao et al., NeurIPS 2022 (OTTT), section 4.
    """
    log_p = torch.log_softmax(output, 1)
    error = output - target
    rows = len(output)
    cross_entropy = -(log_p * target).sum() / rows
    squares = error.square().mean()
    gradient = (log_p.exp() - target).mul_((1 - eta) / (rows * steps))
    gradient.add_(error, alpha=2 * eta / (error.numel() * steps))
    return ((1 - eta) * cross_entropy + eta * squares) / steps, gradient
