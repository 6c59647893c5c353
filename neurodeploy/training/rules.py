"""The training rules by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Protocol

import torch

from neurodeploy.errors import UsageError
from neurodeploy.training.chain import Layer, chain_of
from neurodeploy.training.ottt import PRESETS, OnlinePass, OTTTOptions

Update = Callable[[dict[str, torch.Tensor]], None]
"""Takes one gradient per parameter name and changes the parameters."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples to learn from: x static `(N, *shape)`, or with `time_axis` `(T, N, *shape)`; labels `(N,)`."""

    x: torch.Tensor
    labels: torch.Tensor
    steps: int
    time_axis: bool = False


@dataclass(slots=True)
class Outcome:
    """What one batch showed: the summed loss, correct predictions, and mean spikes per neuron and step."""

    loss: float = 0.0
    correct: int = 0
    firing_rates: dict[str, float] = field(default_factory=dict)


class Rule(Protocol):
    """A training rule: a small class over explicit tensors."""

    @property
    def learning_rates(self) -> Mapping[str, float]:
        """Default learning rate by optimizer."""

    def learn(self, layers: tuple[Layer, ...], batch: Batch, options: OTTTOptions, update: Update) -> Outcome:
        """Run a batch, handing its gradients to `update` once or more."""


@dataclass(frozen=True, slots=True)
class OTTT:
    """OTTT-A: one update per batch with the gradients of all steps. OTTT-O (`online`): one at every step.

    OTTT-O keeps membrane potentials and traces across its updates; later steps use the new weights.
    """

    online: bool
    learning_rates: Mapping[str, float]

    def learn(self, layers: tuple[Layer, ...], batch: Batch, options: OTTTOptions, update: Update) -> Outcome:
        """Run a batch and learn from it; `layers` hold the parameters that `update` changes."""
        run = OnlinePass(layers, batch.x, batch.labels, batch.steps, batch.time_axis, options)
        outcome = Outcome(firing_rates={layer.neuron_name: 0.0 for layer in layers if layer.neuron})
        votes = torch.zeros_like(run.target)
        for t in range(batch.steps):
            run.step(t)
            votes += run.forward.output
            for name, spikes in run.forward.spikes().items():
                outcome.firing_rates[name] += float(spikes.mean()) / batch.steps
            if self.online:
                update(run.take_gradients())
                run.forward.weights_changed()
        if not self.online:
            update(run.take_gradients())
        outcome.loss = float(run.loss)
        outcome.correct = int((votes.argmax(1) == batch.labels).sum())
        return outcome


RULES: dict[str, Rule] = {
    "ottt-a": OTTT(online=False, learning_rates={"adam": 2e-3, "sgd": 0.05}),
    "ottt-o": OTTT(online=True, learning_rates={"adam": 3e-4, "sgd": 0.05}),
}
"""Every rule by its name on the command line."""


def find_rule(name: str) -> Rule:
    """The rule of that name; `UsageError` listing the names where there is none."""
    if name not in RULES:
        raise UsageError(f"no training rule {name!r}. There are {', '.join(RULES)}")
    return RULES[name]


@dataclass(frozen=True, slots=True)
class Gradients:
    """What a rule computes for one batch.

    `outputs` `(T, N, classes)`; `loss` summed over the steps; `spikes` `(T, N, neurons)` by LIF layer;
    `gradients` by parameter name, each in its parameter's shape.
    """

    outputs: torch.Tensor
    loss: float
    spikes: dict[str, torch.Tensor]
    gradients: dict[str, torch.Tensor]


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
    **options: bool | float,
) -> Gradients:
    """Outputs, loss, spikes and gradients of one batch under a rule; nothing is updated.

    x: static `(N, *shape)`, or with `time_axis` `(T, N, *shape)`, T = `steps`; y int64 `(N,)`. `options` are
    the fields of `OTTTOptions`, over those of `preset`. Without updates, ottt-o gives what ottt-a gives: the
    sum of its steps. Raises `UsageError` for an unknown rule, preset or option, or T other than `steps`.
    """
    find_rule(rule)
    check_steps(steps, x.shape[0] if time_axis else None)
    run = OnlinePass(chain_of(module), x, y, steps, time_axis, resolve_options(preset, options))
    outputs, spikes = [], []
    for t in range(steps):
        run.step(t)
        outputs.append(run.forward.output)
        spikes.append(run.forward.spikes())
    by_layer = {name: torch.stack([step[name] for step in spikes]) for name in spikes[0]}
    return Gradients(torch.stack(outputs), float(run.loss), by_layer, run.take_gradients())


def resolve_options(preset: str, options: Mapping[str, bool | float]) -> OTTTOptions:
    """The options of a preset, some replaced; `UsageError` naming what exists."""
    if preset not in PRESETS:
        raise UsageError(f"no preset {preset!r}. There are {', '.join(PRESETS)}")
    names = [f.name for f in fields(OTTTOptions)]
    unknown = [name for name in options if name not in names]
    if unknown:
        raise UsageError(f"no option {unknown[0]!r} of this rule. There are {', '.join(names)}")
    return replace(PRESETS[preset], **options)  # type: ignore[arg-type]


def check_steps(steps: int, given: int | None) -> None:
    """Raise `UsageError` unless `steps` is 1 or more and, for data with `given` time steps, equal to them."""
    if steps < 1:
        raise UsageError(f"the number of time steps must be 1 or more, not {steps}")
    if given is not None and given != steps:
        raise UsageError(f"the data have {given} time steps, not {steps}. Try --steps {given}")
