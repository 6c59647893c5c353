"""A network as stages that each run all time steps, and their table: torch module -> stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from neurodeploy.errors import UnsupportedError
from neurodeploy.training.event.layers import (
    Conv2d,
    Dense,
    Synapses,
    adjusted_average_pool,
    apart,
    average_pool,
    max_pool,
    residual_add,
    spiking,
)
from neurodeploy.training.event.modules import Residual, SpikeResponse, effective_weight
from neurodeploy.training.event.options import EventOptions
from neurodeploy.training.event.precision import RoundedSynapses
from neurodeploy.training.modules import Normalize

Pool = Callable[[torch.Tensor, tuple[int, int], tuple[int, int], tuple[int, int]], torch.Tensor]


@dataclass(slots=True)
class Passage:
    """One batch on its way through the stages.

    `labels` int64 `(N,)`, None without supervision; `dtype` that of the numbers that synapses multiply, None for
    their own; `visit` is called with every layer of neurons and its input before that runs; `spikes` collects
    what each layer fired, `(T, N, *shape)` by name of its neurons.
    """

    steps: int
    options: EventOptions
    labels: torch.Tensor | None = None
    dtype: torch.dtype | None = None
    visit: Callable[[Neurons, torch.Tensor], None] = lambda layer, x: None
    spikes: dict[str, torch.Tensor] = field(default_factory=dict)


class Stage(Protocol):
    """Takes `(T, N, *in)`, or `(1, N, *in)` where nothing changes over time, to `(T, N, *out)`."""

    def run(self, x: torch.Tensor, passage: Passage) -> torch.Tensor:
        """All time steps; in backward direction, gradients of spike times."""


@dataclass(frozen=True, slots=True)
class Neurons:
    """Synapses and the neurons they feed; `name` is that of the synapses."""

    name: str
    module: torch.nn.Linear | torch.nn.Conv2d
    synapses: Synapses
    neuron_name: str
    neuron: SpikeResponse
    last: bool

    def run(self, x: torch.Tensor, passage: Passage) -> torch.Tensor:
        """Spikes, those of the last layer supervised."""
        passage.visit(self, x)
        labels = passage.labels if self.last else None
        weight = effective_weight(self.module)
        synapses = RoundedSynapses(self.synapses, passage.dtype) if passage.dtype else self.synapses
        spikes, own = spiking(
            x, weight, synapses, passage.steps, self.neuron.dynamics, passage.options, labels
        )
        passage.spikes[self.neuron_name] = own
        return spikes


@dataclass(frozen=True, slots=True)
class Reshape:
    """A module that changes no number, only the shape of a time step."""

    module: torch.nn.Flatten | torch.nn.Unflatten

    def run(self, x: torch.Tensor, passage: Passage) -> torch.Tensor:
        """Reshape every time step."""
        return apart(self.module(x.flatten(0, 1)), x)


@dataclass(frozen=True, slots=True)
class Standardized:
    """Images normalized, before there are any spikes."""

    module: Normalize

    def run(self, x: torch.Tensor, passage: Passage) -> torch.Tensor:
        """Normalize every time step."""
        return apart(self.module(x.flatten(0, 1)), x)


@dataclass(frozen=True, slots=True)
class Pooling:
    """Mean or largest of windows; how an average passes gradients on is the rule's option."""

    maximum: bool
    size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]

    def run(self, x: torch.Tensor, passage: Passage) -> torch.Tensor:
        """Pool every time step."""
        averages: dict[str, Pool] = {"adjusted": adjusted_average_pool, "plain": average_pool}
        pool = max_pool if self.maximum else averages[passage.options.average_pool]
        return pool(x, self.size, self.stride, self.padding)


@dataclass(frozen=True, slots=True)
class Shortcut:
    """The stages of a body, and their input added to their spikes."""

    body: tuple[Stage, ...]

    def run(self, x: torch.Tensor, passage: Passage) -> torch.Tensor:
        """body(x) + x."""
        return residual_add(run_stages(self.body, x, passage), x)


def run_stages(stages: tuple[Stage, ...], x: torch.Tensor, passage: Passage) -> torch.Tensor:
    """Spikes `(T, N, *out)` of the last stage."""
    for stage in stages:
        x = stage.run(x, passage)
    return x


def stages_of(module: torch.nn.Module) -> tuple[Stage, ...]:
    """The stages of a network; its tensors are the module's own.

    Raises `UnsupportedError` naming the first layer that the rule cannot train, and why.
    """
    children = _children(module, "")
    if not children or not isinstance(children[-1][1], SpikeResponse):
        raise UnsupportedError(
            "a network for the event-driven rule must end in SpikeResponse neurons; its loss counts spikes. "
            "Try --model event:784-256-10"
        )
    return _chain(children, children[-1][0])


def _children(module: torch.nn.Module, prefix: str) -> list[tuple[str, torch.nn.Module]]:
    if not isinstance(module, torch.nn.Sequential):
        raise UnsupportedError(f"cannot train a {type(module).__name__}; only torch.nn.Sequential chains")
    return [(prefix + name, child) for name, child in module.named_children()]


def _chain(children: list[tuple[str, torch.nn.Module]], last: str) -> tuple[Stage, ...]:
    stages: list[Stage] = []
    waiting: tuple[str, torch.nn.Linear | torch.nn.Conv2d, Synapses] | None = None
    for name, child in children:
        if isinstance(child, torch.nn.Linear | torch.nn.Conv2d) and not waiting:
            waiting = (name, child, _synapses(name, child))
        elif isinstance(child, SpikeResponse) and waiting:
            stages.append(Neurons(*waiting, name, child, name == last))
            waiting = None
        elif isinstance(child, Normalize) and stages:
            raise UnsupportedError(
                f"layer {name!r} (Normalize) must be the first: spikes have times, not sizes"
            )
        elif type(child) in _STAGES and not waiting:
            stages.append(_STAGES[type(child)](name, child))
        else:
            raise UnsupportedError(_refusal(name, child, waiting[0] if waiting else ""))
    if waiting:
        raise UnsupportedError(f"layer {waiting[0]!r} has no SpikeResponse neurons behind it")
    return tuple(stages)


def _refusal(name: str, child: torch.nn.Module, waiting: str) -> str:
    kind = type(child).__name__
    if kind == "LIF":
        return (
            f"layer {name!r} (LIF) is a neuron without event times; the event-driven rule trains SpikeResponse "
            "neurons. Try --model event:784-256-10, or another rule"
        )
    if waiting:
        return f"layer {name!r} ({kind}) follows {waiting!r}, which must be followed by SpikeResponse neurons"
    known = ", ".join(sorted(cls.__name__ for cls in (*_STAGES, torch.nn.Linear, torch.nn.Conv2d)))
    return (
        f"layer {name!r} ({kind}) does not fit here; the event-driven rule trains {known} and SpikeResponse"
    )


def _synapses(name: str, layer: torch.nn.Linear | torch.nn.Conv2d) -> Synapses:
    if layer.bias is not None:
        raise UnsupportedError(
            f"layer {name!r} has a bias, which is no event at any time. Make it with bias=False"
        )
    if isinstance(layer, torch.nn.Linear):
        return Dense()
    if layer.groups != 1 or layer.dilation != (1, 1) or isinstance(layer.padding, str):
        raise UnsupportedError(
            f"layer {name!r} has groups={layer.groups}, dilation={layer.dilation}, padding={layer.padding!r}; "
            "supported are 1, (1, 1) and numbers"
        )
    if layer.padding_mode != "zeros":
        raise UnsupportedError(
            f"layer {name!r} has padding_mode={layer.padding_mode!r}; only 'zeros' is supported"
        )
    return Conv2d(_pair(layer.stride), _pair(layer.padding))


def _reshape(name: str, module: Any) -> Stage:
    return Reshape(module)


def _standardized(name: str, module: Normalize) -> Stage:
    return Standardized(module)


def _shortcut(name: str, module: Residual) -> Stage:
    return Shortcut(_chain(_children(module.body, f"{name}.body."), ""))


def _pooling(name: str, module: torch.nn.MaxPool2d | torch.nn.AvgPool2d) -> Stage:
    maximum = isinstance(module, torch.nn.MaxPool2d)
    plain = (
        module.dilation in (1, (1, 1))
        if maximum
        else module.count_include_pad and not module.divisor_override
    )
    if module.ceil_mode or not plain:
        raise UnsupportedError(f"layer {name!r} ({module}) is supported only with torch's default settings")
    return Pooling(maximum, _pair(module.kernel_size), _pair(module.stride), _pair(module.padding))


def _pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


_STAGES: dict[type[torch.nn.Module], Callable[[str, Any], Stage]] = {
    torch.nn.Flatten: _reshape,
    torch.nn.Unflatten: _reshape,
    torch.nn.MaxPool2d: _pooling,
    torch.nn.AvgPool2d: _pooling,
    Normalize: _standardized,
    Residual: _shortcut,
}
"""Every layer without synapses of its own."""
