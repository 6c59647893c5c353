"""One update of a network by a rule, to be measured."""

from __future__ import annotations

from collections.abc import Callable

import torch

from neurodeploy.training.optimizers import Adam
from neurodeploy.training.rule import Batch, OptionValue
from neurodeploy.training.rules import find_rule

LEARNING_RATE = 1e-3


def training_step(
    module: torch.nn.Module,
    batch: Batch,
    rule: str,
    *,
    preset: str = "recommended",
    **options: OptionValue,
) -> Callable[[], None]:
    """A function that runs one training step with Adam: forward, gradients, and one update (ottt-o: T).

    It changes the parameters of `module`. Raises as `neurodeploy.training.gradients` does.
    """
    learner = find_rule(rule).learner(module, preset, options)
    parameters = {name: p.data for name, p in module.named_parameters()}
    optimizer = Adam(parameters, weight_decay=0.0)

    @torch.no_grad()
    def step() -> None:
        learner.learn(batch, lambda found: optimizer.update(parameters, found, LEARNING_RATE))

    return step
