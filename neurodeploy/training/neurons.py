"""The spiking neuron of training, one time step at a time."""

from __future__ import annotations

from typing import Literal

import torch

from neurodeploy.errors import UsageError


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
        u = current if self.v is None else torch.add(current, self.v, alpha=self.decay)
        s = (u >= self.threshold).to(u.dtype)
        self.v = self.after_spike(u, s).detach()
        return s

    def after_spike(self, u: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
        """Potential kept for the next step, v[t], from u[t] and s[t]."""
        if self.reset_mode == "zero":
            return torch.addcmul(u, u, s, value=-1)
        return torch.sub(u, s, alpha=self.threshold)


def reset_states(module: torch.nn.Module) -> None:
    """Forget the last sample in every LIF layer of `module`."""
    for layer in module.modules():
        if isinstance(layer, LIF):
            layer.reset()
