"""Hand-written torch modules, also loaded by name as MODEL."""

from __future__ import annotations

import torch

from neurodeploy.training import LIF


def small(readout: bool = True, inputs: int = 64) -> torch.nn.Sequential:
    """Flatten, fc1, lif1, fc2[, lif2] with fixed random weights."""
    layers = {
        "flat": torch.nn.Flatten(),
        "fc1": torch.nn.Linear(inputs, 12),
        "lif1": LIF(0.5, 0.5),
        "fc2": torch.nn.Linear(12, 10, bias=False),
    }
    if not readout:
        layers["lif2"] = LIF(0.5, 0.1)
    draw = torch.Generator().manual_seed(0)
    module = torch.nn.Sequential()
    for name, layer in layers.items():
        module.add_module(name, layer)
        for parameter in layer.parameters():
            parameter.data.uniform_(-0.25, 0.35, generator=draw)
    return module


def digits() -> torch.nn.Sequential:
    return small()


def broken() -> torch.nn.Sequential:
    module = small()
    with torch.no_grad():
        module.fc2.weight[0, 0] = float("nan")
    return module


def transposed() -> torch.nn.Sequential:
    return torch.nn.Sequential(torch.nn.ConvTranspose2d(1, 2, 3), torch.nn.Flatten())


def raises() -> torch.nn.Module:
    raise RuntimeError("no weights today")


def number() -> int:
    return 7


NOT_CALLABLE = 3
