"""The one spiking neuron of all rules that train LIF layers, one time step at a time."""

from __future__ import annotations

from typing import Literal

import torch

from neurodeploy.errors import UsageError
from neurodeploy.training.modules import Recall


class LIF(torch.nn.Module):
    """Leaky integrate-and-fire neurons.

        u[t] = decay * v[t-1] + I[t],   v[-1] = 0
        s[t] = u[t] >= threshold                                    ('ge': equality fires)
        v[t] = u[t] - threshold * s[t]  ('subtract')   or   u[t] * (1 - s[t])  ('zero')

    I[t] `(batch, ...)` float -> s[t], zeros and ones of the same shape and dtype. v stays in the layer until
    `reset()`. There is no automatic gradient through a spike: the training rules compute it themselves.
    Source: Xiao et al., NeurIPS 2022 (OTTT), eq. 2, with s[t] reaching the next layer in the same step.
    """

    compare: Literal["ge"] = "ge"

    def __init__(
        self, decay: float = 0.5, threshold: float = 1.0, reset: Literal["subtract", "zero"] = "subtract"
    ) -> None:
        super().__init__()
        if reset not in ("subtract", "zero"):
            raise UsageError(f"LIF: reset must be 'subtract' or 'zero', not {reset!r}")
        if not 0.0 <= decay <= 1.0:
            raise UsageError(f"LIF: decay must be in [0, 1], not {decay}")
        if not 0.0 < threshold < float("inf"):
            raise UsageError(f"LIF: threshold must be positive and finite, not {threshold}")
        self.decay = decay
        self.threshold = threshold
        self.reset_mode: Literal["subtract", "zero"] = reset
        self.v: torch.Tensor | None = None

    def extra_repr(self) -> str:
        """Settings, for `repr()`."""
        return f"decay={self.decay}, threshold={self.threshold}, reset={self.reset_mode!r}"

    def reset(self) -> None:
        """Forget the last sample: v = 0."""
        self.v = None

    def forward(self, current: torch.Tensor) -> torch.Tensor:
        """One time step: I[t] -> s[t]."""
        u = self.potential(current, self.v)
        s = self.spikes(u)
        self.v = self.after_spike(u, s).detach()
        return s

    def potential(self, current: torch.Tensor, kept: torch.Tensor | None) -> torch.Tensor:
        """u[t] from I[t] and v[t-1]; None is the start, v = 0 (then u is I itself, not a copy)."""
        return current if kept is None else torch.add(current, kept, alpha=self.decay)

    def spikes(self, u: torch.Tensor) -> torch.Tensor:
        """s[t] from u[t], in u's dtype."""
        return (u >= self.threshold).to(u.dtype)

    def after_spike(self, u: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
        """Potential kept for the next step, v[t], from u[t] and s[t]."""
        if self.reset_mode == "zero":
            return torch.addcmul(u, u, s, value=-1)
        return torch.sub(u, s, alpha=self.threshold)

    def advance(self, u: torch.Tensor, s: torch.Tensor, current: torch.Tensor) -> None:
        """u[t] from u[t-1], s[t-1] and I[t], and then s[t], both in place: the numbers of one `forward`."""
        if self.reset_mode == "zero":
            u.addcmul_(u, s, value=-1)
        else:
            u.sub_(s, alpha=self.threshold)
        torch.add(current, u, alpha=self.decay, out=u)
        torch.ge(u, self.threshold, out=s)


def reset_states(module: torch.nn.Module) -> None:
    """Forget the last sample in every layer of `module` that remembers: LIF, and feedback."""
    for layer in module.modules():
        if isinstance(layer, LIF | Recall):
            layer.reset()
