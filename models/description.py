"""What a network is made of, without its numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import torch

from neurodeploy.models.notation import build, check_input_shape
from neurodeploy.training.modules import Recall


@dataclass(frozen=True, slots=True)
class LayerDescription:
    """One layer: its name and class, the shape of its output for one sample, its number of parameters."""

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int


@dataclass(frozen=True, slots=True)
class NetworkDescription:
    """The layers in the order they run, and the number of all parameters; `model` is the full notation."""

    model: str
    input_shape: tuple[int, ...]
    layers: tuple[LayerDescription, ...]
    parameters: int

    def to_dict(self) -> dict[str, Any]:
        """All of it, JSON-ready."""
        return asdict(self)


@torch.no_grad()
def describe(notation: str, input_shape: tuple[int, ...] | None = None) -> NetworkDescription:
    """Layers, shapes and parameters of a notation for one sample of `input_shape` (default: the network's own).

    Nothing is computed and no memory is taken for weights. `UsageError` where the shape does not fit.
    """
    network = build(notation, device="meta")
    shape = network.spec.input_shape if input_shape is None else input_shape
    check_input_shape(network, shape)
    layers: list[LayerDescription] = []
    for name, layer in network.named_modules():
        if isinstance(layer, Recall) or not list(layer.children()):
            layer.register_forward_hook(partial(_note, layers, name))
    network.eval()(torch.empty(1, *shape, device="meta"))
    total = sum(p.numel() for p in network.parameters())
    return NetworkDescription(str(network.spec), shape, tuple(layers), total)


def _note(
    layers: list[LayerDescription], name: str, layer: torch.nn.Module, _: object, result: torch.Tensor
) -> None:
    parameters = sum(p.numel() for p in layer.parameters())
    layers.append(LayerDescription(name, type(layer).__name__, tuple(result.shape[1:]), parameters))
