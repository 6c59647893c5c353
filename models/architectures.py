"""The networks of the papers by name: a table of their layers, first parameters and usual settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

from neurodeploy.errors import UsageError
from neurodeploy.models import blocks, options, resnet, vgg
from neurodeploy.models.initialization import (
    Draw,
    Initialize,
    initialize,
    normal_fan_out,
    normal_fan_out_small_head,
    normal_half,
)
from neurodeploy.models.network import Layers

OTTT_DECAY, RATE_DECAY = 0.5, 0.2
EVENT_DECAY = 1 - 1 / 7

Image = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Architecture:
    """One network of a paper.

    `layers(shape, classes, decay, threshold)` makes it; `rule` draws its first parameters, after which the
    weights of the layers in `zero` are 0; image height and width must be multiples of `multiple`. `dropout`: neurons
    can be dropped, as they were in the paper.
    """

    layers: Callable[[tuple[int, ...], int, float, float], Layers]
    rule: Initialize
    shape: Image
    classes: int
    decay: float
    multiple: int = 1
    zero: tuple[str, ...] = ()
    dropout: bool = False


CIFAR, IMAGENET, DVS = (3, 32, 32), (3, 224, 224), (2, 48, 48)
ARCHITECTURES: dict[str, Architecture] = {
    "vgg-sws": Architecture(
        partial(vgg.vgg, vgg.standardized, vgg.OTTT_WIDTHS),
        normal_fan_out_small_head,
        CIFAR,
        10,
        OTTT_DECAY,
        multiple=8,
        dropout=True,
    ),
    "vgg-f": Architecture(
        vgg.vgg_f,
        normal_fan_out_small_head,
        CIFAR,
        100,
        OTTT_DECAY,
        multiple=8,
        zero=("feedback.conv",),
        dropout=True,
    ),
    "nf-resnet-34": Architecture(
        resnet.nf_resnet_34, normal_fan_out_small_head, IMAGENET, 1000, OTTT_DECAY, zero=("fc",)
    ),
    "vgg-11": Architecture(
        partial(vgg.vgg, vgg.normalized, vgg.VGG11_WIDTHS), normal_half, CIFAR, 10, RATE_DECAY, multiple=16
    ),
    "vggsnn-dvs": Architecture(vgg.vggsnn_dvs, normal_half, DVS, 10, RATE_DECAY, multiple=16),
    "resnet-18": Architecture(
        partial(resnet.resnet_18, blocks.basic_block), normal_fan_out, CIFAR, 10, RATE_DECAY
    ),
    "resnet-19": Architecture(
        partial(resnet.resnet_19, blocks.basic_block), normal_fan_out, CIFAR, 10, RATE_DECAY
    ),
    "sew-resnet-34": Architecture(
        partial(resnet.sew_resnet_34, blocks.sew_block), normal_fan_out, IMAGENET, 1000, RATE_DECAY
    ),
    "preact-resnet-34": Architecture(
        partial(resnet.preact_resnet_34, blocks.preact_block, torch.nn.MaxPool2d),
        normal_fan_out,
        IMAGENET,
        1000,
        RATE_DECAY,
    ),
    "preact-resnet-34-avg": Architecture(
        partial(resnet.preact_resnet_34, blocks.preact_block, torch.nn.AvgPool2d),
        normal_fan_out,
        IMAGENET,
        1000,
        RATE_DECAY,
    ),
    "sew-resnet-14": Architecture(
        partial(resnet.sew_resnet_14, blocks.plain_sew_block), normal_fan_out, CIFAR, 10, EVENT_DECAY
    ),
}
"""OTTT: vgg-sws, vgg-f, nf-resnet-34 (Xiao et al., NeurIPS 2022). Rate-based backpropagation: vgg-11,
vggsnn-dvs, resnet-18, resnet-19, sew-resnet-34, preact-resnet-34 (arXiv 2410.11488). Event-driven learning:
sew-resnet-14 (Zhu et al., NeurIPS 2022). preact-resnet-34-avg is ours: an average pool in the stem, since the
largest of several currents, which the paper's stem takes, is no sum that synapses could make."""

_READERS: dict[str, options.Read] = {
    "input": options.image_shape,
    "classes": options.count,
    "decay": options.decay,
    "threshold": options.threshold,
}


def _readers(usual: Architecture) -> dict[str, options.Read]:
    return {**_READERS, "dropout": options.probability} if usual.dropout else _READERS


@dataclass(frozen=True, slots=True)
class PaperSpec:
    """What `vgg-sws[:input=CxHxW][,classes=N][,decay=D][,threshold=V]` says; `str()` writes it with all options.

    What is not given is as in the paper's main experiment. The readout is linear: o[t] are currents. `dropout=P`, for
    OTTT's chains alone, drops neurons while training, see `neurodeploy.training.modules.NeuronDropout`.
    """

    name: str
    input_shape: tuple[int, ...]
    classes: int
    decay: float
    threshold: float = 1.0
    dropout: float = 0.0

    @staticmethod
    def parse(name: str, arguments: str) -> PaperSpec:
        """Parse the options of the network `name`; `UsageError` saying what is wrong."""
        usual = ARCHITECTURES[name]
        given = options.parse_options(name, arguments.split(",") if arguments else [], _readers(usual))
        return PaperSpec(
            name,
            given.pop("input", usual.shape),
            given.pop("classes", usual.classes),
            given.pop("decay", usual.decay),
            **given,
        )

    def __post_init__(self) -> None:
        multiple = ARCHITECTURES[self.name].multiple
        if any(extent % multiple for extent in self.input_shape[1:]):
            raise UsageError(f"model {self}: height and width must be multiples of {multiple}")

    def __str__(self) -> str:
        shape = "x".join(map(str, self.input_shape))
        neurons = f"decay={self.decay!r},threshold={self.threshold!r}"
        dropout = f",dropout={self.dropout!r}" if self.dropout else ""
        return f"{self.name}:input={shape},classes={self.classes},{neurons}{dropout}"

    def layers(self) -> Layers:
        """The layers by name."""
        layers = ARCHITECTURES[self.name].layers(self.input_shape, self.classes, self.decay, self.threshold)
        return vgg.with_dropout(layers, self.dropout) if self.dropout else layers

    def initialize(self, network: torch.nn.Module, draw: Draw) -> None:
        """First parameters as in the paper's code, where that is known."""
        architecture = ARCHITECTURES[self.name]
        initialize(network, architecture.rule, draw)
        for name in architecture.zero:
            torch.nn.init.zeros_(network.get_submodule(name).get_parameter("weight"))

    def check_input(self, shape: tuple[int, ...]) -> None:
        """Raise `UsageError` unless `shape` is `input_shape`."""
        if shape != self.input_shape:
            advice = f"Try {self.name}:input={'x'.join(map(str, shape))}" if len(shape) == 3 else "Use images"
            raise UsageError(
                f"model {self.name} takes images {self.input_shape}, but a time step of the data has shape "
                f"{shape}. {advice}"
            )
