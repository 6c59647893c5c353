"""The switches of the event-driven rule, and its presets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from neurodeploy.errors import UsageError
from neurodeploy.training.event.neurons import Dynamics, Kernel, decay_of


@dataclass(frozen=True, slots=True)
class EventOptions:
    """How gradients are computed; a limit of 0 is none.

    `kernel` h of eq. 13: 'exponential' (1 - 1/tau_g)^(k+1), or 'derivative', the change of eps.
    `inverse_slope_limit` clamps 1/slope of eq. 14 to [0, limit], `inverse_weight_limit` 1/den of eq. 13 (so a
    negative denominator passes nothing on). `input_scale` multiplies what a layer hands to the one before it.
    `gradient_norm`: longer gradients, of all parameters together, are shortened to this length.
    `average_pool` 'adjusted' credits the spikes of a window in equal parts, 'plain' a share of 1/size each.
    `loss` 'hinge' does not mind a label's neuron that spikes too often, nor others that do so too rarely;
    'squares' does. Wanted spikes: `desired` of the label's neuron (0: one at each step), else `undesired`.
    `supervise` makes the label's neuron spike at least once where its potential rises. `average_spikes` per
    neuron and sample are fired by each layer before the first epoch; 0 leaves the first weights as they are.
    """

    kernel: Literal["exponential", "derivative"] = "exponential"
    tau_g: float = 2.5
    inverse_slope_limit: float = 0.0
    inverse_weight_limit: float = 0.0
    input_scale: float = 1.0
    gradient_norm: float = 0.0
    average_pool: Literal["adjusted", "plain"] = "adjusted"
    loss: Literal["hinge", "squares"] = "squares"
    desired: float = 0.0
    undesired: float = 1.0
    supervise: bool = False
    average_spikes: float = 0.5

    def __post_init__(self) -> None:
        decay_of(self.tau_g, "tau_g")
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise UsageError(f"{name} must be {' or '.join(known)}, not {getattr(self, name)!r}")
        for name in _NOT_NEGATIVE:
            limit = getattr(self, name)
            if not limit >= 0:
                raise UsageError(f"{name} must be 0 or more, not {limit}")

    def h(self, dynamics: Dynamics) -> Kernel:
        """The kernel h of eq. 13 for neurons of these dynamics."""
        if self.kernel == "derivative":
            return dynamics.slope_kernel
        return ((decay_of(self.tau_g, "tau_g"), 1.0),)

    def wanted(self, steps: int) -> tuple[float, float]:
        """Spikes wanted in `steps` steps, of the label's neuron and of another; `UsageError` if impossible."""
        desired = self.desired or float(steps)
        if not 0 <= self.undesired < desired <= steps:
            raise UsageError(
                f"desired spikes must be above the undesired and at most the {steps} time steps, "
                f"not {desired:g} and {self.undesired:g}. Try --steps {max(2, int(desired))}"
            )
        return desired, self.undesired


_CHOICES = {
    "kernel": ("exponential", "derivative"),
    "average_pool": ("adjusted", "plain"),
    "loss": ("hinge", "squares"),
}

_NOT_NEGATIVE = (
    "inverse_slope_limit",
    "inverse_weight_limit",
    "input_scale",
    "gradient_norm",
    "undesired",
    "average_spikes",
)

PAPER = EventOptions()
"""The equations alone: the gradients of spike times have the same sum in every layer (eq. 8)."""

OFFICIAL = EventOptions(
    inverse_slope_limit=4.0,
    inverse_weight_limit=1.2e8,
    input_scale=0.85,
    gradient_norm=1.0,
    loss="hinge",
    supervise=True,
)
"""With the additions of the authors' code. Their weight standardization belongs to the network."""

RECOMMENDED = replace(OFFICIAL, undesired=0.0)
"""Neurons of other classes are wanted silent, not spiking once.

Measured on Fashion-MNIST, 784-256-10 with standardized weights, T = 5, 3 epochs, test accuracy of seeds 0 and 1:
official 82.5 and 81.6 %, recommended 84.2 and 82.5 %; official without `supervise` 84.1 and 73.4 %, recommended
without it below 57 %. Seed 0 alone, official: without `inverse_weight_limit` 72.7 %, without `gradient_norm`
79.5 %, kernel 'derivative' 81.6 %; without `input_scale`, without `inverse_slope_limit` or with 'squares' the
same within 0.4 %.
"""

PRESETS = {"official": OFFICIAL, "paper": PAPER, "recommended": RECOMMENDED}
