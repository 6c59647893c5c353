"""Residual blocks: functions that build them from convolutions, norms and neurons.

`neuron()` makes one layer of neurons. Every block takes `(batch, inputs, H, W)` to `(batch, outputs, H / stride,
W / stride)`, rounded up; its shortcut is the identity unless that changes the shape.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from math import sqrt

import torch

from neurodeploy.training.modules import SPIKE_SCALE, LearnedScale, Residual, Scale, ScaledWSConv2d

Neuron = Callable[[], torch.nn.Module]
Block = Callable[[int, int, int, Neuron], torch.nn.Module]
"""(inputs, outputs, stride, neuron) -> block."""

NF_ALPHA = 0.2
"""Size of a residual branch in NF-ResNet, relative to the shortcut."""


def chain(**layers: torch.nn.Module) -> torch.nn.Sequential:
    """Layers one after the other, by name."""
    return torch.nn.Sequential(OrderedDict(layers))


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> torch.nn.Conv2d:
    """A convolution without bias that keeps the size of the image at stride 1."""
    return torch.nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)


def basic_block(inputs: int, outputs: int, stride: int, neuron: Neuron) -> torch.nn.Module:
    """conv3-BN-LIF-conv3-BN, plus the shortcut [conv1-BN], then LIF: ResNet-18 and -19."""
    body = chain(
        conv1=conv(inputs, outputs, 3, stride),
        bn1=torch.nn.BatchNorm2d(outputs),
        lif=neuron(),
        conv2=conv(outputs, outputs, 3),
        bn2=torch.nn.BatchNorm2d(outputs),
    )
    return chain(add=Residual(body, _projection(inputs, outputs, stride)), lif=neuron())


def sew_block(inputs: int, outputs: int, stride: int, neuron: Neuron) -> torch.nn.Module:
    """(conv3-BN-LIF) twice, plus the shortcut [conv1-BN-LIF]: spikes are added, sums may exceed 1.

    Source: Fang et al., NeurIPS 2021 (SEW ResNet), ADD.
    """
    body = chain(
        conv1=conv(inputs, outputs, 3, stride),
        bn1=torch.nn.BatchNorm2d(outputs),
        lif1=neuron(),
        conv2=conv(outputs, outputs, 3),
        bn2=torch.nn.BatchNorm2d(outputs),
        lif2=neuron(),
    )
    shortcut = _projection(inputs, outputs, stride)
    if isinstance(shortcut, torch.nn.Sequential):
        shortcut.add_module("lif", neuron())
    return Residual(body, shortcut)


def plain_sew_block(inputs: int, outputs: int, stride: int, neuron: Neuron) -> torch.nn.Module:
    """(conv3-LIF) twice, plus the shortcut [conv1-LIF], without norms: for event-driven learning."""
    body = chain(
        conv1=conv(inputs, outputs, 3, stride), lif1=neuron(), conv2=conv(outputs, outputs, 3), lif2=neuron()
    )
    if inputs == outputs and stride == 1:
        return Residual(body, torch.nn.Identity())
    return Residual(body, chain(conv=conv(inputs, outputs, 1, stride), lif=neuron()))


def preact_block(inputs: int, outputs: int, stride: int, neuron: Neuron) -> torch.nn.Module:
    """(LIF-conv3-BN) twice, plus the shortcut [conv1-BN of the block's real-valued input]."""
    body = chain(
        lif1=neuron(),
        conv1=conv(inputs, outputs, 3, stride),
        bn1=torch.nn.BatchNorm2d(outputs),
        lif2=neuron(),
        conv2=conv(outputs, outputs, 3),
        bn2=torch.nn.BatchNorm2d(outputs),
    )
    return Residual(body, _projection(inputs, outputs, stride))


def nf_block(
    inputs: int, outputs: int, stride: int, neuron: Neuron, variance: float
) -> tuple[torch.nn.Module, float]:
    """One block without norms, for input of this variance; returns it and the variance of its output.

        h = 2.74 LIF(x / sqrt(variance))
        y = alpha g conv3(2.74 LIF(conv3(h))) + (x, or conv1(h) where the shape changes)    alpha = 0.2

    The variance is 1 + alpha^2 after a change of shape, else alpha^2 more than before.
    Source: Brock, De, Smith, ICLR 2021; Xiao et al., NeurIPS 2022 (OTTT), NF-ResNet-34.
    """
    before = {"scale": Scale(1 / sqrt(variance)), "lif": neuron(), "spikes": Scale(SPIKE_SCALE)}
    branch: dict[str, torch.nn.Module] = {
        "conv1": ScaledWSConv2d(inputs, outputs, 3, stride=stride, padding=1),
        "lif1": neuron(),
        "scale1": Scale(SPIKE_SCALE),
        "conv2": ScaledWSConv2d(outputs, outputs, 3, padding=1),
        "gain": LearnedScale(NF_ALPHA),
    }
    if inputs == outputs and stride == 1:
        return Residual(chain(**before, **branch), torch.nn.Identity()), variance + NF_ALPHA**2
    shortcut = ScaledWSConv2d(inputs, outputs, 1, stride=stride)
    return chain(**before, add=Residual(chain(**branch), shortcut)), 1 + NF_ALPHA**2


def _projection(inputs: int, outputs: int, stride: int) -> torch.nn.Module:
    """conv1-BN where the shape changes, else the identity."""
    if inputs == outputs and stride == 1:
        return torch.nn.Identity()
    return chain(conv=conv(inputs, outputs, 1, stride), bn=torch.nn.BatchNorm2d(outputs))
