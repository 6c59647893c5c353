"""From the notation of a model, such as `mlp:784-256-10,readout=spiking`, to a torch module."""

from __future__ import annotations

from math import prod

import torch

from neurodeploy.errors import UsageError
from neurodeploy.models.mlp import MLP, MLPSpec

FAMILIES = {"mlp": MLPSpec.parse}
"""Every network family: its name and the function that parses its arguments."""


def build(notation: str, seed: int = 0, device: str = "cpu") -> MLP:
    """The network of a notation, its parameters drawn from `seed`; the global random state is untouched.

    `device` 'meta' makes shapes without numbers. `UsageError` naming what exists for an unknown one.
    """
    name, _, arguments = notation.partition(":")
    if name not in FAMILIES:
        raise UsageError(f"no model {name!r}. There is {', '.join(FAMILIES)}: for example mlp:784-256-10")
    model = MLP(FAMILIES[name](arguments), device)
    if device != "meta":
        initialize(model, seed)
    return model


def initialize(model: torch.nn.Module, seed: int) -> None:
    """Draw weights and biases of every Linear, in their order, from U(-k, k), k = 1 / sqrt(inputs)."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, torch.nn.Linear):
                bound = layer.in_features**-0.5
                layer.weight.uniform_(-bound, bound, generator=draw)
                layer.bias.uniform_(-bound, bound, generator=draw)


def check_input_shape(model: MLP, shape: tuple[int, ...]) -> None:
    """Raise `UsageError` where one time step of the data, `shape`, does not fit the first layer."""
    if prod(shape) != model.spec.sizes[0]:
        sizes = "-".join(map(str, (prod(shape), *model.spec.sizes[1:])))
        raise UsageError(
            f"model {model.spec} takes {model.spec.sizes[0]} inputs, but a time step of the data has "
            f"{prod(shape)} (shape {shape}). Try mlp:{sizes}"
        )
