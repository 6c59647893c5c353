"""Layers of torch.nn: each is an operation of the graph, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from neurodeploy.errors import UnsupportedError
from neurodeploy.frontends.torch.site import Array, Convert, Site
from neurodeploy.ir import AveragePool, Conv, Dense, MaxPool, Scale, SumPool
from neurodeploy.ir.windows import Windows

Weights = npt.NDArray[np.float32]


def numbers(tensor: torch.Tensor) -> Array:
    """The numbers of a tensor of the copied module."""
    found: Array = tensor.detach().double().numpy()
    return found


def weights(tensor: torch.Tensor) -> Weights:
    """The same as a graph holds them; those of a copied module are exactly these."""
    return numbers(tensor).astype(np.float32)


def dense(module: torch.nn.Linear, site: Site) -> str:
    """I = W x + b."""
    weight = weights(module.weight)
    return site.add(Dense(weight, bias_of(module, len(weight))))


def conv(module: torch.nn.Conv1d | torch.nn.Conv2d, site: Site) -> str:
    """A convolution padded with zeros."""
    if module.padding_mode != "zeros":
        raise UnsupportedError(f"padding_mode must be 'zeros', not {module.padding_mode!r}")
    weight = weights(module.weight)
    return site.add(
        Conv(
            weight,
            bias_of(module, len(weight)),
            module.stride,
            _padding(module),
            module.dilation,
            module.groups,
        )
    )


def bias_of(module: Any, outputs: int) -> Weights:
    """The bias of a layer, 0 where it has none."""
    return np.zeros(outputs, np.float32) if module.bias is None else weights(module.bias)


def _padding(module: torch.nn.Conv1d | torch.nn.Conv2d) -> tuple[int, ...]:
    """Zeros before and after each axis; 'same' puts the odd one behind."""
    if module.padding == "valid":
        return (0,) * (2 * len(module.kernel_size))
    if module.padding == "same":
        total = [d * (k - 1) for d, k in zip(module.dilation, module.kernel_size, strict=True)]
        return (*(n // 2 for n in total), *(n - n // 2 for n in total))
    return tuple(map(int, module.padding)) * 2


def batch_norm(module: torch.nn.BatchNorm1d | torch.nn.BatchNorm2d, site: Site) -> str:
    """With its running statistics: scale = gamma / sqrt(var + eps), shift = beta - scale mean."""
    if module.running_mean is None or module.running_var is None:
        raise UnsupportedError("it has no running statistics (track_running_stats=False); train with them")
    scale = 1.0 / np.sqrt(numbers(module.running_var) + module.eps)
    shift = -scale * numbers(module.running_mean)
    if module.affine:
        scale, shift = (factor * numbers(module.weight) for factor in (scale, shift))
        shift = shift + numbers(module.bias)
    channels = (-1, *(1,) * (len(site.shape) - 1))
    return site.add(Scale(scale.reshape(channels), shift.reshape(channels)))


def average_pool(module: torch.nn.AvgPool1d | torch.nn.AvgPool2d, site: Site) -> str:
    """The mean of each window, or its sum over a fixed divisor."""
    windows = _windows(module, site)
    divisor = getattr(module, "divisor_override", None)
    if divisor is not None:
        total = site.add(SumPool(windows.kernel, windows.stride, windows.padding), part="sum")
        return site.add(Scale(1.0 / divisor), total)
    count = module.count_include_pad
    return site.add(AveragePool(windows.kernel, windows.stride, windows.padding, count))


def max_pool(module: torch.nn.MaxPool1d | torch.nn.MaxPool2d, site: Site) -> str:
    """The largest of each window."""
    windows = _windows(module, site)
    if module.return_indices:
        raise UnsupportedError("return_indices=True is not supported")
    if set(windows.dilation) != {1}:
        raise UnsupportedError(f"dilation must be 1, not {module.dilation}")
    return site.add(MaxPool(windows.kernel, windows.stride, windows.padding))


def _windows(module: Any, site: Site) -> Windows:
    axes = len(site.shape) - 1
    kernel, stride, padding, dilation = (
        _each_axis(getattr(module, name, 1), axes)
        for name in ("kernel_size", "stride", "padding", "dilation")
    )
    windows = Windows(kernel, stride, padding * 2, dilation)
    if module.ceil_mode:
        _refuse_partial_windows(windows, site.shape[1:])
    return windows


def _refuse_partial_windows(windows: Windows, extents: Sequence[int]) -> None:
    axes = len(windows.kernel)
    room = [extents[i] + 2 * windows.padding[i] - windows.span[i] for i in range(axes)]
    if any(n % s for n, s in zip(room, windows.stride, strict=True)):
        raise UnsupportedError(
            f"ceil_mode=True makes windows {windows.kernel} that go beyond the input {tuple(extents)}; use inputs that "
            "its windows fill, or ceil_mode=False"
        )


def _each_axis(given: Any, axes: int) -> tuple[int, ...]:
    return tuple(given) if isinstance(given, (tuple, list)) else (given,) * axes


def adaptive_pool(module: Any, site: Site) -> str:
    """Windows that divide the input evenly: kernel = stride = input / output."""
    kind = AveragePool if "Avg" in type(module).__name__ else MaxPool
    if getattr(module, "return_indices", False):
        raise UnsupportedError("return_indices=True is not supported")
    extents = site.shape[1:]
    wanted = _each_axis(module.output_size, len(extents))
    places = tuple(n if out is None else out for n, out in zip(extents, wanted, strict=True))
    if any(n % out for n, out in zip(extents, places, strict=True)):
        raise UnsupportedError(f"input {extents} does not divide into {places} windows of one size")
    kernel = tuple(n // out for n, out in zip(extents, places, strict=True))
    return site.add(kind(kernel, kernel, (0,) * (2 * len(kernel))))


def flatten(module: torch.nn.Flatten, site: Site) -> str:
    """All axes into one."""
    if module.start_dim != 1 or module.end_dim not in (-1, len(site.shape)):
        raise UnsupportedError(
            f"Flatten(start_dim={module.start_dim}, end_dim={module.end_dim}) is not supported; only (1, -1) is"
        )
    return site.reshape((int(np.prod(site.shape)),))


def unflatten(module: torch.nn.Unflatten, site: Site) -> str:
    """The first axis of the network's input into several."""
    if module.dim != 1:
        raise UnsupportedError(f"Unflatten(dim={module.dim}) is not supported; only dim 1 is")
    sizes = tuple(int(n) for n in module.unflattened_size)
    known = -int(np.prod(sizes))
    first = tuple(site.shape[0] // known if n == -1 else n for n in sizes)
    return site.reshape((*first, *site.shape[1:]))


def nothing(module: torch.nn.Module, site: Site) -> str:
    """A layer that changes nothing when a network runs, as Dropout in evaluation mode."""
    return site.pass_on()


LAYERS: dict[str, Convert] = {
    "Linear": dense,
    "Conv1d": conv,
    "Conv2d": conv,
    "BatchNorm1d": batch_norm,
    "BatchNorm2d": batch_norm,
    "AvgPool1d": average_pool,
    "AvgPool2d": average_pool,
    "MaxPool1d": max_pool,
    "MaxPool2d": max_pool,
    "AdaptiveAvgPool1d": adaptive_pool,
    "AdaptiveAvgPool2d": adaptive_pool,
    "AdaptiveMaxPool1d": adaptive_pool,
    "AdaptiveMaxPool2d": adaptive_pool,
    "Flatten": flatten,
    "Unflatten": unflatten,
    "Identity": nothing,
    "Dropout": nothing,
    "Dropout1d": nothing,
    "Dropout2d": nothing,
    "Dropout3d": nothing,
    "AlphaDropout": nothing,
    "FeatureAlphaDropout": nothing,
}

ANN = (
    "not a spiking neuron: this is an artificial network. Export it with torch.onnx.export and give the .onnx file, "
    "which becomes a spiking one"
)
_ACTIVATIONS = (
    "ReLU",
    "ReLU6",
    "LeakyReLU",
    "PReLU",
    "ELU",
    "SELU",
    "GELU",
    "SiLU",
    "Sigmoid",
    "Tanh",
    "Hardtanh",
)
REFUSED = {
    **dict.fromkeys(_ACTIVATIONS, ANN),
    "Softmax": "which no neurons compute; leave it out, the largest output stays the largest",
    "LogSoftmax": "which no neurons compute; leave it out, the largest output stays the largest",
    "Upsample": "which has no operation in the graph; use a layer that makes the larger image",
    "LayerNorm": "whose scale depends on the data; use BatchNorm",
    "GroupNorm": "whose scale depends on the data; use BatchNorm",
    "InstanceNorm2d": "whose scale depends on the data; use BatchNorm",
}
