"""The table of torch modules that have a meaning in the graph: class -> operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.ir import LIF, Dense, Flatten, Op, Shape
from neurodeploy.training import neurons

Convert = Callable[[Any, Shape], "Op | None"]


def _dense(module: torch.nn.Linear, shape: Shape) -> Op:
    weight = module.weight.detach().cpu().float().numpy()
    bias = np.zeros(len(weight)) if module.bias is None else module.bias.detach().cpu().float().numpy()
    return Dense(weight, bias)


def _lif(module: neurons.LIF, shape: Shape) -> Op:
    return LIF(shape, float(module.decay), float(module.threshold), module.reset_mode, module.compare)


def _flatten(module: torch.nn.Flatten, shape: Shape) -> Op:
    if (module.start_dim, module.end_dim) != (1, -1):
        raise UnsupportedError(
            f"Flatten(start_dim={module.start_dim}, end_dim={module.end_dim}) is not supported; only (1, -1) is"
        )
    return Flatten()


def _nothing(module: torch.nn.Module, shape: Shape) -> None:
    """A module that changes nothing when a network runs, as Dropout in evaluation mode."""


MODULES: dict[type[torch.nn.Module], Convert] = {
    torch.nn.Linear: _dense,
    neurons.LIF: _lif,
    torch.nn.Flatten: _flatten,
    torch.nn.Dropout: _nothing,
    torch.nn.Identity: _nothing,
}
"""Every supported module. A missing entry is the unsupported-layer error."""


def convert(name: str, module: torch.nn.Module, shape: Shape) -> Op | None:
    """The operation of `module`, whose input has `shape`; None where it changes nothing.

    Raises `UnsupportedError` naming the layer and what is supported.
    """
    entry = MODULES.get(type(module))
    if entry is None:
        raise UnsupportedError(
            f"layer '{name}' is a {type(module).__module__}.{type(module).__name__}, which is not supported; "
            f"supported are {', '.join(sorted(m.__name__ for m in MODULES))}"
        )
    try:
        return entry(module, shape)
    except InputError as error:
        raise type(error)(f"layer '{name}': {error}") from None
