"""A module and the graph made of it, on the same input."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from neurodeploy import ir
from neurodeploy.frontends.imported import Imported
from neurodeploy.frontends.torch import import_torch
from neurodeploy.ir.interpreter import FloatResult, interpret

STEPS = 8


class Forward(nn.Module):
    """Layers by name and a forward given as a function."""

    def __init__(self, forward: Any, **layers: nn.Module) -> None:
        super().__init__()
        for name, layer in layers.items():
            self.add_module(name, layer)
        self._call = forward

    def forward(self, x: torch.Tensor) -> Any:
        return self._call(self, x)


def uniform(shape: tuple[int, ...], samples: int = 12, seed: int = 0) -> Any:
    """Pixels in [0, 1), float32."""
    return np.random.default_rng(seed).random((samples, *shape), np.float32)


def seeded(module: nn.Module, seed: int = 0, low: float = -0.4, high: float = 0.6) -> nn.Module:
    """The module with parameters and running statistics drawn at random, statistics positive."""
    draw = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        if parameter.ndim:
            parameter.data.uniform_(low, high, generator=draw)
    for name, buffer in module.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            buffer.uniform_(0.1, 1.0, generator=draw)
    return module


def imported(module: nn.Module, shape: tuple[int, ...] = (8,), steps: int = STEPS) -> Imported:
    """The graph of a module, which the import has compared with the module."""
    return import_torch(module, shape, steps, uniform(shape))


def result_of(found: Imported, shape: tuple[int, ...], steps: int = STEPS) -> FloatResult:
    """The graph on the same input."""
    return interpret(found.graph, uniform(shape), steps, dtype=np.float64)


def active(found: Imported, shape: tuple[int, ...] = (8,), steps: int = STEPS) -> ir.Graph:
    """The graph, after a check that its neurons neither rest nor fire all the time: comparing it meant something."""
    rates = {name: float(s.mean()) for name, s in result_of(found, shape, steps).spikes.items()}
    readouts = found.graph.of(ir.Readout)
    assert all(0.01 < rate < 0.99 for name, rate in rates.items() if name not in readouts), rates
    return found.graph


def chain(module: nn.Module, hidden: nn.Module, inputs: int = 8, width: int = 12) -> nn.Sequential:
    """fc, neurons, fc2, last neurons; `module` is the first neurons, `hidden` the last."""
    chained = nn.Sequential(nn.Linear(inputs, width), module, nn.Linear(width, 5), hidden)
    for layer in (chained[0], chained[2]):
        seeded(layer)
    return chained
