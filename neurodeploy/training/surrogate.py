"""Smooth stand-ins for the derivative of a spike, which is zero or infinite."""

from __future__ import annotations

import torch

ALPHA = 4.0
"""Steepness of the sigmoid: with 4 its derivative is 1 at the threshold."""


def sigmoid_surrogate(potential: torch.Tensor, threshold: float, alpha: float = ALPHA) -> torch.Tensor:
    """Derivative of a spike by its membrane potential, replaced by that of a sigmoid.

        ds/du = alpha * p * (1 - p),   p = sigmoid(alpha * (u - threshold))

    Any shape, same shape and dtype back. Source: Xiao et al., NeurIPS 2022 (OTTT), a_2 = 1 / alpha.
    """
    p = torch.sigmoid(torch.sub(potential, threshold).mul_(alpha))
    return torch.addcmul(p, p, p, value=-1).mul_(alpha)
