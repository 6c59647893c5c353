"""What a training rule is: its presets, its default learning rates, and what learns for one network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Generic, Protocol, TypeVar

import torch

from neurodeploy.errors import UsageError
from neurodeploy.training.masks import Masks
from neurodeploy.training.parallel import ALONE, JointMean, Peers

Options = TypeVar("Options")
OptionValue = bool | int | float | str
Update = Callable[[dict[str, torch.Tensor]], None]
"""Takes one gradient per parameter name and changes the parameters in place."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples to learn from: x static `(N, *shape)`, or with `time_axis` `(T, N, *shape)`; labels `(N,)`.

    `weight` is the part of a joint batch that they are, where several processes, `peers`, share one; gradients
    of a mean over the joint batch are the weighted sum of theirs. `masks` are for the neurons that
    dropout takes away while learning; None takes none.
    """

    x: torch.Tensor
    labels: torch.Tensor
    steps: int
    time_axis: bool = False
    weight: float = 1.0
    peers: Peers = ALONE
    masks: Masks | None = None

    def add(self, gradients: dict[str, torch.Tensor], mean: bool = True) -> dict[str, torch.Tensor]:
        """Gradients of the joint batch from those of this one's mean loss, or of its sum."""
        if self.peers.size == 1:
            return gradients
        factor = self.weight if mean else float(self.weight > 0)
        return self.peers.add({name: g * factor for name, g in gradients.items()})

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """The mean over the joint batch from that over this one; see `parallel.JointMean`."""
        if self.peers.size == 1:
            return values
        found: torch.Tensor = JointMean.apply(values, self.weight, self.peers)  # type: ignore[no-untyped-call]
        return found

    def joint_share(self) -> float:
        """Samples of the joint batch for each one of these."""
        (samples,) = self.peers.add_numbers([float(len(self.labels) if self.weight else 0)])
        return samples / len(self.labels)


@dataclass(slots=True)
class Outcome:
    """What one batch showed: its loss, correct predictions, and mean spikes per neuron and step.

    `spikes` are those of a neuron in all steps, mean over all neurons of the network.
    """

    loss: float = 0.0
    correct: int = 0
    firing_rates: dict[str, float] = field(default_factory=dict)
    spikes: float = 0.0


@dataclass(frozen=True, slots=True)
class Gradients:
    """What a rule computes for one batch.

    `outputs` `(T, N, classes)`; `loss` over all steps; `spikes` `(T, N, *neurons)` by neuron layer;
    `gradients` by parameter name, each in its parameter's shape.
    """

    outputs: torch.Tensor
    loss: float
    spikes: dict[str, torch.Tensor]
    gradients: dict[str, torch.Tensor]


class Learner(Protocol):
    """A rule bound to a network; it keeps nothing from one batch to the next, so that a run can resume."""

    def round_to(self, dtype: torch.dtype) -> None:
        """Multiply numbers of this type in all synapses from now on."""

    def prepare(self, batch: Batch) -> None:
        """Before the first epoch of a new run: change the first parameters in place, or do nothing."""

    def learn(self, batch: Batch, update: Update) -> Outcome:
        """Run a batch, handing its gradients to `update` once or more."""

    def gradients(self, batch: Batch) -> Gradients:
        """Run a batch without changing anything."""

    def votes(self, batch: Batch) -> torch.Tensor:
        """`(N, classes)`; the argmax is the predicted class."""


@dataclass(frozen=True, slots=True)
class Rule(Generic[Options]):
    """One row of the table of rules.

    `presets` are instances of the rule's own frozen options dataclass; `learning_rates` the defaults by
    optimizer; `bind` makes what learns for a module, `UnsupportedError` naming a layer it cannot train.
    """

    presets: Mapping[str, Options]
    learning_rates: Mapping[str, float]
    bind: Callable[[torch.nn.Module, Options], Learner]

    def choose(self, preset: str, given: Mapping[str, OptionValue]) -> Options:
        """The options of a preset, some replaced; `UsageError` naming what exists."""
        if preset not in self.presets:
            raise UsageError(f"no preset {preset!r} of this rule. There are {', '.join(self.presets)}")
        chosen: Any = self.presets[preset]
        kinds = {f.name: type(getattr(chosen, f.name)) for f in fields(chosen)}
        for name, value in given.items():
            if name not in kinds:
                raise UsageError(f"no option {name!r} of this rule. There are {', '.join(kinds)}")
            if type(value) is not kinds[name] and not (kinds[name] is float and type(value) is int):
                raise UsageError(f"option {name} must be a {kinds[name].__name__}, not {value!r}")
        options: Options = replace(chosen, **given)
        return options

    def learner(self, module: torch.nn.Module, preset: str, given: Mapping[str, OptionValue]) -> Learner:
        """What learns for `module` with the options of a preset, some replaced."""
        return self.bind(module, self.choose(preset, given))
