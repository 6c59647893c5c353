"""The VGG networks of the papers: chains of 3x3 convolutions, neurons and average pools."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch

from neurodeploy.models.network import Layers
from neurodeploy.training.modules import (
    SPIKE_SCALE,
    Memory,
    NeuronDropout,
    Recall,
    Remember,
    Scale,
    ScaledWSConv2d,
)
from neurodeploy.training.neurons import LIF

POOL = 0
"""In a list of widths: average pooling of 2 x 2."""

OTTT_WIDTHS = (64, 128, POOL, 256, 256, POOL, 512, 512, POOL, 512, 512)
VGG11_WIDTHS = (64, POOL, 128, 256, POOL, 512, 512, POOL, 512, POOL, 512, 512)
DVS_WIDTHS = (64, 128, POOL, 256, 256, POOL, 512, 512, POOL, 512, 512, POOL)

Neuron = Callable[[], LIF]
Unit = Callable[[int, int, int, Neuron], dict[str, torch.nn.Module]]
"""(number, inputs, outputs, neuron) -> the layers of one width."""


def standardized(number: int, inputs: int, outputs: int, neuron: Neuron) -> dict[str, torch.nn.Module]:
    """Scaled weight standardized convolution, LIF, times 2.74."""
    return {
        f"conv{number}": ScaledWSConv2d(inputs, outputs, 3, padding=1),
        f"lif{number}": neuron(),
        f"scale{number}": Scale(SPIKE_SCALE),
    }


def normalized(number: int, inputs: int, outputs: int, neuron: Neuron) -> dict[str, torch.nn.Module]:
    """Convolution, batch norm, LIF."""
    return {
        f"conv{number}": torch.nn.Conv2d(inputs, outputs, 3, padding=1),
        f"bn{number}": torch.nn.BatchNorm2d(outputs),
        f"lif{number}": neuron(),
    }


def features(unit: Unit, channels: int, widths: Sequence[int], neuron: Neuron) -> dict[str, torch.nn.Module]:
    """Convolutional part: one `unit` a width."""
    layers: dict[str, torch.nn.Module] = {}
    units = pools = 0
    for width in widths:
        if width == POOL:
            pools += 1
            layers[f"pool{pools}"] = torch.nn.AvgPool2d(2)
        else:
            units += 1
            layers |= unit(units, channels, width, neuron)
            channels = width
    return layers


def mean_head(width: int, classes: int) -> dict[str, torch.nn.Module]:
    """Mean over the image, then the linear readout."""
    return {
        "mean": torch.nn.AdaptiveAvgPool2d(1),
        "flatten": torch.nn.Flatten(),
        "fc": torch.nn.Linear(width, classes),
    }


def vgg(
    unit: Unit, widths: Sequence[int], shape: tuple[int, ...], classes: int, decay: float, threshold: float
) -> Layers:
    """Convolutions, mean over the image, Linear(last width, classes)."""
    layers = features(unit, shape[0], widths, partial(LIF, decay, threshold))
    return layers | mean_head(widths[-1], classes)


def vgg_f(shape: tuple[int, ...], classes: int, decay: float, threshold: float) -> Layers:
    """OTTT's VGG whose last feature map feeds back to the first neurons, one step later.

    I_1[t] = conv1(x[t]) + conv(up8(f[t-1])), up8: every value repeated 8 times on both axes.
    """
    memory, pools = Memory(), OTTT_WIDTHS.count(POOL)
    back = torch.nn.Conv2d(OTTT_WIDTHS[-1], OTTT_WIDTHS[0], 3, padding=1)
    layers: dict[str, torch.nn.Module] = {}
    for name, layer in vgg(standardized, OTTT_WIDTHS, shape, classes, decay, threshold).items():
        if name == "mean":
            layers["remember"] = Remember(memory)
        layers[name] = layer
        if name == "conv1":
            layers["feedback"] = Recall(memory, back, 2**pools)
    return layers


def with_dropout(layers: Layers, probability: float) -> Layers:
    """`dropoutN` behind the neurons `lifN` of a chain."""
    dropped: dict[str, torch.nn.Module] = {}
    for name, layer in layers.items():
        dropped[name] = layer
        if isinstance(layer, LIF):
            dropped[name.replace("lif", "dropout")] = NeuronDropout(probability)
    return dropped


def vggsnn_dvs(shape: tuple[int, ...], classes: int, decay: float, threshold: float) -> Layers:
    """Four pools, then Linear(512 H/16 W/16, classes)."""
    channels, height, width = shape
    layers = features(normalized, channels, DVS_WIDTHS, partial(LIF, decay, threshold))
    inputs = 512 * (height // 16) * (width // 16)
    return layers | {"flatten": torch.nn.Flatten(), "fc": torch.nn.Linear(inputs, classes)}
