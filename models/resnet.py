"""The residual networks of the papers: a stem, stages of blocks, the mean over the image, Linear."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch

from neurodeploy.models.blocks import Block, Neuron, conv, nf_block
from neurodeploy.models.network import Layers
from neurodeploy.models.vgg import mean_head
from neurodeploy.training.modules import ScaledWSConv2d
from neurodeploy.training.neurons import LIF

Modules = dict[str, torch.nn.Module]
DEPTHS_34 = (3, 4, 6, 3)
WIDTHS = (64, 128, 256, 512)


def stages(
    block: Block, inputs: int, widths: Sequence[int], depths: Sequence[int], first_stride: int, neuron: Neuron
) -> Modules:
    """Blocks `stage1_1`, `stage1_2` ...: the first of each stage halves the image, of stage 1 by `first_stride`."""
    layers: Modules = {}
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True), start=1):
        for i in range(1, depth + 1):
            stride = 1 if i > 1 else first_stride if stage == 1 else 2
            layers[f"stage{stage}_{i}"] = block(inputs, width, stride, neuron)
            inputs = width
    return layers


def resnet_18(block: Block, shape: tuple[int, ...], classes: int, decay: float, threshold: float) -> Layers:
    """conv3x3(64)-BN-LIF, two blocks of 64, 128, 256 and 512."""
    neuron = partial(LIF, decay, threshold)
    stem: Modules = {"conv": conv(shape[0], 64, 3), "bn": torch.nn.BatchNorm2d(64), "lif": neuron()}
    return stem | stages(block, 64, WIDTHS, (2, 2, 2, 2), 1, neuron) | mean_head(512, classes)


def resnet_19(block: Block, shape: tuple[int, ...], classes: int, decay: float, threshold: float) -> Layers:
    """conv3x3(128)-BN-LIF, 3 blocks of 128, 3 of 256, 2 of 512, Linear 512 -> 256, LIF, Linear."""
    neuron = partial(LIF, decay, threshold)
    stem: Modules = {"conv": conv(shape[0], 128, 3), "bn": torch.nn.BatchNorm2d(128), "lif": neuron()}
    head = mean_head(512, 256)
    head["fc1"] = head.pop("fc")
    head |= {"lif1": neuron(), "fc2": torch.nn.Linear(256, classes)}
    return stem | stages(block, 128, (128, 256, 512), (3, 3, 2), 1, neuron) | head


def sew_resnet_34(
    block: Block, shape: tuple[int, ...], classes: int, decay: float, threshold: float
) -> Layers:
    """conv7x7(64) stride 2-BN-LIF-MaxPool3 stride 2, blocks 3, 4, 6, 3."""
    neuron = partial(LIF, decay, threshold)
    stem: Modules = {
        "conv": conv(shape[0], 64, 7, 2),
        "bn": torch.nn.BatchNorm2d(64),
        "lif": neuron(),
        "pool": torch.nn.MaxPool2d(3, 2, 1),
    }
    return stem | stages(block, 64, WIDTHS, DEPTHS_34, 1, neuron) | mean_head(512, classes)


def preact_resnet_34(
    block: Block,
    pool: type[torch.nn.MaxPool2d | torch.nn.AvgPool2d],
    shape: tuple[int, ...],
    classes: int,
    decay: float,
    threshold: float,
) -> Layers:
    """conv7x7(64) stride 2-BN-pool3 stride 2, blocks 3, 4, 6, 3; no neurons before the mean."""
    stem: Modules = {
        "conv": conv(shape[0], 64, 7, 2),
        "bn": torch.nn.BatchNorm2d(64),
        "pool": pool(3, 2, 1),
    }
    blocks = stages(block, 64, WIDTHS, DEPTHS_34, 1, partial(LIF, decay, threshold))
    return stem | blocks | mean_head(512, classes)


def sew_resnet_14(
    block: Block, shape: tuple[int, ...], classes: int, decay: float, threshold: float
) -> Layers:
    """conv5x5(128)-LIF, two blocks of 128, 256 and 512, each stage at stride 2; no norms and no biases."""
    neuron = partial(LIF, decay, threshold)
    stem: Modules = {"conv": conv(shape[0], 128, 5), "lif": neuron()}
    head = mean_head(512, classes)
    head["fc"] = torch.nn.Linear(512, classes, bias=False)
    return stem | stages(block, 128, (128, 256, 512), (2, 2, 2), 2, neuron) | head


def nf_resnet_34(shape: tuple[int, ...], classes: int, decay: float, threshold: float) -> Layers:
    """Standardized conv7x7(64) stride 2, AvgPool3 stride 2, blocks 3, 4, 6, 3 without norms.

    No neurons before the mean: the readout sees the real-valued output of the last block.
    """
    variance = 1.0

    def block(inputs: int, outputs: int, stride: int, neuron: Neuron) -> torch.nn.Module:
        nonlocal variance
        made, variance = nf_block(inputs, outputs, stride, neuron, variance)
        return made

    stem: Modules = {
        "conv": ScaledWSConv2d(shape[0], 64, 7, stride=2, padding=3),
        "pool": torch.nn.AvgPool2d(3, 2, 1),
    }
    blocks = stages(block, 64, WIDTHS, DEPTHS_34, 1, partial(LIF, decay, threshold))
    return stem | blocks | mean_head(512, classes)
