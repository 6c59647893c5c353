"""What a neuron does to a constant input current, gathered while it spikes.

Source: Yu et al., Advancing Training Efficiency of Deep Spiking Neural Networks through Rate-based
Backpropagation, NeurIPS 2024 (arXiv 2410.11488).
"""

from __future__ import annotations

import torch

from neurodeploy.training.neurons import LIF
from neurodeploy.training.surrogate import Surrogate


class Eligibility:
    r"""Sums over time of spikes s and of eligibility kappa[t] = phi[t] * ds/du[t], the derivative ds[t]/dc.

        phi[0] = 1, and with g = ds/du[t], theta the threshold:
        'subtract', reset detached:  phi[t+1] = 1 + decay phi[t]                       (one number for all)
        'subtract':                  phi[t+1] = 1 + decay phi[t] (1 - theta g)
        'zero', reset detached:      phi[t+1] = 1 + decay phi[t] (1 - s[t])
        'zero':                      phi[t+1] = 1 + decay phi[t] (1 - s[t] - u[t] g)

    u and s have any one shape; nothing grows with time. (The authors' code takes the last line for 'zero'
    even where the reset is detached.)
    """

    def __init__(self, neuron: LIF, surrogate: Surrogate, detach_reset: bool) -> None:
        self.neuron, self.surrogate, self.detach_reset = neuron, surrogate, detach_reset
        self.spikes = self.kappa = self._spare = torch.empty(0)
        self._phi: float | torch.Tensor = 1.0
        self._started = False

    def add(self, u: torch.Tensor, s: torch.Tensor) -> None:
        """Take in one time step."""
        if not self._started:
            self.spikes, self.kappa, self._spare = (
                torch.zeros_like(s),
                torch.zeros_like(u),
                torch.empty_like(u),
            )
            self._started = True
        self.spikes.add_(s)
        if self.neuron.reset_mode == "subtract" and self.detach_reset and isinstance(self._phi, float):
            self.surrogate.add_slope(self.kappa, u, self.neuron.threshold, self._phi, self._spare)
            self._phi = 1.0 + self.neuron.decay * self._phi
            return
        slope = self.surrogate.slope(u, self.neuron.threshold)
        self.kappa.add_(slope * self._phi)
        self._phi = 1.0 + self.neuron.decay * self._phi * self._reset_factor(u, s, slope)

    def _reset_factor(self, u: torch.Tensor, s: torch.Tensor, slope: torch.Tensor) -> torch.Tensor:
        """dv[t]/du[t]."""
        if self.neuron.reset_mode == "subtract":
            return 1 - self.neuron.threshold * slope
        return 1 - s if self.detach_reset else 1 - s - u * slope
