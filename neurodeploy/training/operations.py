"""The table of layers that the training rules know: torch module -> operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from neurodeploy.errors import UnsupportedError
from neurodeploy.training.dropout import Dropped
from neurodeploy.training.maps import (
    AveragePool,
    Flattened,
    GlobalAverage,
    MaxPool,
    Scaled,
    Standardized,
    Unflattened,
)
from neurodeploy.training.modules import LearnedScale, NeuronDropout, Normalize, Scale, ScaledWSConv2d
from neurodeploy.training.neurons import LIF
from neurodeploy.training.normalization import Norm
from neurodeploy.training.structure import Op
from neurodeploy.training.synapses import Convolution, Dense, Gain


def _dense(name: str, module: Any) -> Op:
    return Dense(name, module)


def _convolution(name: str, module: Any) -> Op:
    return Convolution(name, module)


def _gain(name: str, module: Any) -> Op:
    return Gain(name, module)


def _scale(name: str, module: Any) -> Op:
    return Scaled(float(module.factor))


def _dropped(name: str, module: Any) -> Op:
    return Dropped(module.probability)


def _standardized(name: str, module: Any) -> Op:
    return Standardized(module.mean, module.std)


def _flatten(name: str, module: Any) -> Op:
    if (module.start_dim, module.end_dim) != (1, -1):
        given = f"({module.start_dim}, {module.end_dim})"
        raise UnsupportedError(f"layer {name!r}: Flatten{given} cannot be trained; only Flatten(1, -1) can")
    return Flattened()


def _unflatten(name: str, module: Any) -> Op:
    if not isinstance(module.dim, int) or module.dim == 0:
        raise UnsupportedError(
            f"layer {name!r}: Unflatten({module.dim!r}) cannot be trained; not of the batch"
        )
    return Unflattened(module.dim, tuple(module.unflattened_size))


def _maximum(name: str, module: Any) -> Op:
    if module.dilation not in (1, (1, 1)) or module.return_indices:
        raise UnsupportedError(f"layer {name!r}: MaxPool2d with dilation or indices cannot be trained")
    kernel, stride, padding = map(_pair, (module.kernel_size, module.stride, module.padding))
    return MaxPool(kernel, stride, padding, module.ceil_mode)


def _average(name: str, module: Any) -> Op:
    if module.divisor_override is not None:
        raise UnsupportedError(f"layer {name!r}: AvgPool2d with a divisor_override cannot be trained")
    kernel, stride, padding = map(_pair, (module.kernel_size, module.stride, module.padding))
    return AveragePool(kernel, stride, padding, module.ceil_mode, module.count_include_pad)


def _global_average(name: str, module: Any) -> Op:
    if module.output_size not in (1, (1, 1)):
        raise UnsupportedError(
            f"layer {name!r}: AdaptiveAvgPool2d({module.output_size}) cannot be trained; only size 1 can"
        )
    return GlobalAverage()


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _neuron(name: str, module: Any) -> Op:
    neuron: LIF = module
    return neuron


OPERATIONS: dict[type[torch.nn.Module], Callable[[str, Any], Op]] = {
    torch.nn.Linear: _dense,
    torch.nn.Conv2d: _convolution,
    ScaledWSConv2d: _convolution,
    Scale: _scale,
    LearnedScale: _gain,
    NeuronDropout: _dropped,
    Normalize: _standardized,
    torch.nn.Flatten: _flatten,
    torch.nn.Unflatten: _unflatten,
    torch.nn.AvgPool2d: _average,
    torch.nn.MaxPool2d: _maximum,
    torch.nn.AdaptiveAvgPool2d: _global_average,
    torch.nn.BatchNorm1d: Norm,
    torch.nn.BatchNorm2d: Norm,
    LIF: _neuron,
}
"""Every layer that can be trained. A missing entry is the unsupported-layer error."""

_WHY_NOT: dict[type[torch.nn.Module], str] = {
    torch.nn.Dropout: "its mask would change at every time step. Use neurodeploy.training.modules.NeuronDropout",
    torch.nn.ReLU: "it is no spiking neuron. Use neurodeploy.training.LIF",
}


def operation(name: str, module: torch.nn.Module) -> Op:
    """The operation of a layer; `UnsupportedError` naming it and why it cannot be trained."""
    if type(module) in OPERATIONS:
        return OPERATIONS[type(module)](name, module)
    known = "trainable are " + ", ".join(sorted(m.__name__ for m in OPERATIONS))
    reason = _WHY_NOT.get(type(module), known)
    raise UnsupportedError(f"layer {name!r} ({type(module).__name__}) cannot be trained: {reason}")
