"""The training rules by name."""

from __future__ import annotations

from typing import Any

import torch

from neurodeploy.errors import UsageError
from neurodeploy.training import bptt, event, ottt, rate
from neurodeploy.training.rule import Batch, Gradients, OptionValue, Rule

RULES: dict[str, Rule[Any]] = {
    "ottt-a": Rule(ottt.PRESETS, {"adam": 2e-3, "sgd": 0.05}, ottt.OTTTLearner),
    "ottt-o": Rule(ottt.PRESETS, {"adam": 3e-4, "sgd": 0.05}, ottt.OnlineOTTTLearner),
    "rate-m": Rule(rate.PRESETS_M, {"adam": 2e-3, "sgd": 0.05}, rate.JointRateLearner),
    "rate-s": Rule(rate.PRESETS_S, {"adam": 2e-3, "sgd": 0.05}, rate.RateLearner),
    "bptt": Rule(bptt.PRESETS, {"adam": 2e-3, "sgd": 0.05}, bptt.BPTTLearner),
    "event": Rule(event.PRESETS, event.LEARNING_RATES, event.EventLearner),
}
"""Every rule by its name on the command line, with learning rates by optimizer.

Those of 'event' are its paper's. The others are ours, for a rate that stays; the papers train with sgd at 0.1, momentum
0.9 and cosine decay over 300 epochs, which the recipes say. adam 2e-3 is the one in the middle of 1e-3, 2e-3, 4e-3 for
ottt-a at T = 8: 90.88, 94.70, 96.58 % on digits (mlp:64-128-10, 10 epochs, mean of seeds 0 to 2) and 86.19, 86.13,
84.73 % on Fashion-MNIST (mlp:784-256-10, 2 epochs, seed 0); sgd 0.05 of 0.02, 0.05, 0.1: 90.21, 95.57, 96.91 %, digits.
ottt-o makes T updates of a batch, each from a T-th of the gradient, a factor that Adam undoes: so its adam is smaller.
"""


def find_rule(name: str) -> Rule[Any]:
    """The rule of that name; `UsageError` listing the names where there is none."""
    if name not in RULES:
        raise UsageError(f"no training rule {name!r}. There are {', '.join(RULES)}")
    return RULES[name]


@torch.no_grad()
def gradients(
    module: torch.nn.Module,
    x: torch.Tensor,
    y: torch.Tensor,
    rule: str,
    steps: int,
    *,
    time_axis: bool = False,
    preset: str = "recommended",
    **options: OptionValue,
) -> Gradients:
    """Outputs, loss, spikes and gradients of one batch under a rule; nothing is updated.

    x: static `(N, *shape)`, or with `time_axis` `(T, N, *shape)`, T = `steps`; y int64 `(N,)`. `options` are
    the fields of the rule's options, over those of `preset`. Without updates, ottt-o gives what ottt-a gives:
    the sum of its steps. Raises `UsageError` for an unknown rule, preset or option, or T other than `steps`,
    `UnsupportedError` naming a layer that the rule cannot train.
    """
    learner = find_rule(rule).learner(module, preset, options)
    check_steps(steps, x.shape[0] if time_axis else None)
    return learner.gradients(Batch(x, y, steps, time_axis))


def check_steps(steps: int, given: int | None) -> None:
    """Raise `UsageError` unless `steps` is 1 or more and, for data with `given` time steps, equal to them."""
    if steps < 1:
        raise UsageError(f"the number of time steps must be 1 or more, not {steps}")
    if given is not None and given != steps:
        raise UsageError(f"the data have {given} time steps, not {steps}. Try --steps {given}")
