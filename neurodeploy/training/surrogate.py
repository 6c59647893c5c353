"""Smooth stand-ins for the derivative of a spike, which is zero or infinite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch

from neurodeploy.errors import UsageError

ALPHA = 4.0
"""Steepness of the sigmoid: with 4 its derivative is 1 at the threshold."""


def sigmoid_surrogate(potential: torch.Tensor, threshold: float, alpha: float = ALPHA) -> torch.Tensor:
    """Derivative of a spike by its membrane potential, replaced by that of a sigmoid.

        ds/du = alpha * p * (1 - p),   p = sigmoid(alpha * (u - threshold))

    Any shape, same shape and dtype back. Source: Xiao et al., NeurIPS 2022 (OTTT), a_2 = 1 / alpha.
    """
    p = _sigmoid(potential, threshold, alpha, torch.empty_like(potential))
    return torch.addcmul(p, p, p, value=-1).mul_(alpha)


def _sigmoid(u: torch.Tensor, threshold: float, alpha: float, out: torch.Tensor) -> torch.Tensor:
    """p, written into `out`: alpha (u - threshold) in one pass over memory, then its sigmoid."""
    return torch.add(_number(-alpha * threshold, u.dtype), u, alpha=alpha, out=out).sigmoid_()


@cache
def _number(value: float, dtype: torch.dtype) -> torch.Tensor:
    """A tensor without axes; making one takes as long as a pass over a small layer."""
    return torch.tensor(value, dtype=dtype, device="cpu")


def rectangular_surrogate(potential: torch.Tensor, threshold: float, alpha: float = ALPHA) -> torch.Tensor:
    """Derivative of a spike by its membrane potential, replaced by a window; `alpha` does not matter.

        ds/du = 1 where |u - threshold| <= 1, else 0

    Source: Xiao et al., NeurIPS 2022 (OTTT), theorem 1.
    """
    return (torch.sub(potential, threshold).abs_() <= 1).to(potential.dtype)


SURROGATES: dict[str, Callable[[torch.Tensor, float, float], torch.Tensor]] = {
    "sigmoid": sigmoid_surrogate,
    "rectangular": rectangular_surrogate,
}


@dataclass(frozen=True, slots=True)
class Surrogate:
    """The stand-in that a rule uses: `kind` of `SURROGATES`, `alpha` the steepness of the sigmoid."""

    kind: str = "sigmoid"
    alpha: float = ALPHA

    def __post_init__(self) -> None:
        if self.kind not in SURROGATES:
            raise UsageError(f"no surrogate {self.kind!r}. There are {', '.join(SURROGATES)}")
        if not 0 < self.alpha <= 1e6:
            raise UsageError(f"alpha must be positive and at most 1e6, not {self.alpha}")

    def back(self, delta: torch.Tensor, potential: torch.Tensor, threshold: float) -> torch.Tensor:
        """delta * ds/du; a new tensor."""
        if self.kind != "sigmoid":
            return self.slope(potential, threshold).mul_(delta)
        p = _sigmoid(potential, threshold, self.alpha, torch.empty_like(potential))
        torch.ops.aten.sigmoid_backward.grad_input(delta, p, grad_input=p)
        return p.mul_(self.alpha)

    def add_slope(
        self,
        total: torch.Tensor,
        potential: torch.Tensor,
        threshold: float,
        scale: float,
        spare: torch.Tensor,
    ) -> None:
        """Add scale * ds/du to `total`; overwrites `spare`, of the same shape."""
        if self.kind != "sigmoid":
            total.add_(self.slope(potential, threshold), alpha=scale)
            return
        p = _sigmoid(potential, threshold, self.alpha, spare)
        total.add_(p, alpha=scale * self.alpha).addcmul_(p, p, value=-scale * self.alpha)

    def slope(self, potential: torch.Tensor, threshold: float) -> torch.Tensor:
        """ds/du at the membrane potential u; a new tensor of u's shape."""
        return SURROGATES[self.kind](potential, threshold, self.alpha)
