"""Loss by spike counts, its gradients by spike times, supervision and readout.

Source: Zhu et al., NeurIPS 2022, section 4.5. Outputs are spikes `(T, N, C)`, labels int64 `(N,)`.
"""

from __future__ import annotations

import torch

from neurodeploy.training.event.options import EventOptions
from neurodeploy.training.losses import one_hot

RISING = 0.05
"""A potential that grows by more than this in a step may be made to spike there."""


def count_loss(
    spikes: torch.Tensor, labels: torch.Tensor, options: EventOptions
) -> tuple[torch.Tensor, torch.Tensor]:
    """Loss of a batch and its gradient by the time of each output spike, 0 where there is none.

    d = (count - wanted) / T
    'squares':  L = mean over samples and neurons of d^2,   dL/dcount = 2 d / (T N C)
    'hinge':    d := 0 for a label's d > 0 and another's d < 0;   L = T/2 * sum of d^2,   dL/dcount = d
    dL/dt_k = -dL/dcount: an earlier spike leaves room for more
    """
    steps, samples, classes = spikes.shape
    desired, undesired = options.wanted(steps)
    label = one_hot(labels, classes, spikes.dtype)
    d = (spikes.sum(0) - undesired - label * (desired - undesired)) / steps
    if options.loss == "squares":
        return d.square().mean(), -(2 / (steps * samples * classes)) * d * spikes
    d = torch.where(label.bool(), d.clamp(max=0), d.clamp(min=0))
    return steps / 2 * d.square().sum(), -d * spikes


def supervised(fired: torch.Tensor, slope: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """`fired` `(T, N, C)` bool with the label's neuron spiking where its potential rises last.

    That is the last step with slope > 0.05, or else step 0; only where its slope there is not 0. The
    membrane keeps what it has.
    """
    steps, samples, _ = fired.shape
    rows = torch.arange(samples, device=fired.device)
    own = slope[:, rows, labels]
    numbers = torch.arange(steps, device=fired.device).unsqueeze(1)
    last = torch.where(own > RISING, numbers, 0).amax(0)
    forced = fired.clone()
    forced[last, rows, labels] |= own[last, rows] != 0
    return forced


def readout(spikes: torch.Tensor) -> torch.Tensor:
    """Votes `(N, C)`: the number of spikes, an early one counting slightly more.

    sum over t of s[t] * (1.1 - 0.1 * t / T), t = 0..T-1
    """
    steps = len(spikes)
    time = torch.arange(steps, dtype=spikes.dtype, device=spikes.device)
    return torch.einsum("t,tnc->nc", 1.1 - 0.1 * time / steps, spikes)
