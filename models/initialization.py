"""Random first parameters from a seed; torch's global random state is neither read nor changed."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import torch

from neurodeploy.training.modules import SPIKE_SCALE


class Draw:
    """A seeded stream of random numbers; they are drawn on the CPU, so every device gets the same."""

    def __init__(self, seed: int) -> None:
        self._stream = torch.Generator().manual_seed(seed)

    def uniform(self, tensor: torch.Tensor, bound: float) -> None:
        """Fill from U(-bound, bound)."""
        tensor.copy_(torch.empty(tensor.shape).uniform_(-bound, bound, generator=self._stream))

    def normal(self, tensor: torch.Tensor, deviation: float) -> None:
        """Fill from N(0, deviation^2)."""
        tensor.copy_(torch.empty(tensor.shape).normal_(0.0, deviation, generator=self._stream))


Synapses = torch.nn.Linear | torch.nn.Conv2d
Initialize = Callable[[Synapses, Draw], None]
"""Sets weight and bias of one layer."""


def uniform_fan_in(layer: Synapses, draw: Draw) -> None:
    """Weight and bias from U(-k, k), k = 1 / sqrt(inputs of one output)."""
    bound = layer.weight[0].numel() ** -0.5
    draw.uniform(layer.weight, bound)
    if layer.bias is not None:
        draw.uniform(layer.bias, bound)


def uniform_spiking(layer: Synapses, draw: Draw, threshold: float) -> None:
    """Weights large enough for spikes to pass many layers: deviation 2.74 threshold / sqrt(inputs).

    Weight from U(-k, k), k = 2.74 threshold sqrt(3 / inputs), bias as `uniform_fan_in`. Measured test accuracy
    of convnet:8C3p1-P2-16C3p1-P2-64-10 after two epochs of ottt-a with U(-1, 1) / sqrt(inputs), and so: 1500
    images of Fashion-MNIST .12, .69; 400 samples of N-MNIST .02, .46 (chance .1; its last neurons never fire).
    """
    inputs = layer.weight[0].numel()
    draw.uniform(layer.weight, SPIKE_SCALE * threshold * sqrt(3 / inputs))
    if layer.bias is not None:
        draw.uniform(layer.bias, inputs**-0.5)


def normal_fan_out(layer: Synapses, draw: Draw) -> None:
    """Convolutions from N(0, 2 / (out_channels k k)), bias 0; Linear as `uniform_fan_in`.

    Source: He et al., ICCV 2015, backward form.
    """
    if isinstance(layer, torch.nn.Linear):
        uniform_fan_in(layer, draw)
        return
    _normal(layer, sqrt(2 / (layer.out_channels * layer.weight[0, 0].numel())), draw)


def normal_fan_out_small_head(layer: Synapses, draw: Draw) -> None:
    """Convolutions as `normal_fan_out`; Linear from N(0, 0.01^2), bias 0. Source: OTTT's VGG."""
    if isinstance(layer, torch.nn.Linear):
        _normal(layer, 0.01, draw)
    else:
        normal_fan_out(layer, draw)


def normal_half(layer: Synapses, draw: Draw) -> None:
    """Every weight from N(0, 0.5^2), bias 0. Source: the VGGs of rate-based backpropagation."""
    _normal(layer, 0.5, draw)


def _normal(layer: Synapses, deviation: float, draw: Draw) -> None:
    draw.normal(layer.weight, deviation)
    if layer.bias is not None:
        layer.bias.zero_()


@torch.no_grad()
def initialize(network: torch.nn.Module, rule: Initialize, draw: Draw) -> None:
    """Set all parameters and buffers, layer after layer: synapses by `rule`, all else as torch has it."""
    for layer in network.modules():
        if isinstance(layer, (torch.nn.Linear, torch.nn.Conv2d)):
            rule(layer, draw)
            gain = getattr(layer, "gain", None)
            if gain is not None:
                gain.fill_(1.0)
        elif callable(reset := getattr(layer, "reset_parameters", None)):
            reset()
