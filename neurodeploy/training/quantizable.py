"""Which weights of a network the compiler puts on a grid as they are."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from neurodeploy.errors import UnsupportedError
from neurodeploy.training.event.modules import SpikeResponse
from neurodeploy.training.modules import NeuronDropout, Normalize, Scale
from neurodeploy.training.neurons import LIF

_SYNAPSES = (torch.nn.Linear, torch.nn.Conv2d)
_NEURONS = (LIF, SpikeResponse)
_MAPS = (
    torch.nn.Flatten,
    torch.nn.Unflatten,
    torch.nn.Identity,
    torch.nn.MaxPool2d,
    torch.nn.AvgPool2d,
    torch.nn.AdaptiveAvgPool2d,
    Scale,
    NeuronDropout,
    Normalize,
)


def quantizable_weights(module: torch.nn.Module) -> tuple[str, ...]:
    """Names of the weights of all synapses, in their order, of a chain that keeps them on one grid a layer.

    1. Layers are Linear, Conv2d, neurons, and maps between neurons and synapses that weigh all values alike.
    2. An average pool's windows do not overlap or leave the image, and inputs have one standard deviation.
    3. Synapses end in neurons, or in the output.

    Raises `UnsupportedError` naming the first layer that breaks a rule: behind it the integers would not be the
    weights that were trained.
    """
    chain = list(_leaves("", module))
    for i, (name, layer) in enumerate(chain):
        reason = _why_not(layer, chain[i + 1][1] if i + 1 < len(chain) else None)
        if reason:
            raise UnsupportedError(
                f"layer {name!r} ({type(layer).__name__}) cannot be trained for integer weights: {reason}. "
                "Leave out --quantize and compile with --rounding gptq, or change the model"
            )
    return tuple(f"{name}.weight" for name, layer in chain if type(layer) in _SYNAPSES)


def _leaves(prefix: str, module: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Module]]:
    for name, child in module.named_children():
        path = f"{prefix}.{name}" if prefix else name
        if isinstance(child, torch.nn.Sequential):
            yield from _leaves(path, child)
        else:
            yield path, child


def _why_not(layer: torch.nn.Module, after: torch.nn.Module | None) -> str:
    """What moves weights off their grid here; empty where nothing does."""
    if type(layer) in _SYNAPSES:
        if not (after is None or isinstance(after, _NEURONS)):
            return f"its currents pass a {type(after).__name__} before they reach neurons"
        return ""
    if isinstance(layer, torch.nn.AvgPool2d):
        apart = layer.stride == layer.kernel_size and layer.padding in (0, (0, 0)) and not layer.ceil_mode
        return "" if apart else "its windows overlap or leave the image, so its weights differ"
    if isinstance(layer, Normalize):
        alike = bool(layer.std.numel() == 1 or (layer.std == layer.std.view(-1)[0]).all())
        return "" if alike else "each channel has its own standard deviation"
    if isinstance(layer, (*_NEURONS, *_MAPS)):
        return ""
    return "the compiler turns it into other weights than those that are trained"
