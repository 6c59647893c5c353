"""Fully connected spiking networks."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

import torch

from neurodeploy.errors import UsageError
from neurodeploy.models import options
from neurodeploy.models.initialization import Draw, initialize, uniform_fan_in
from neurodeploy.models.network import Layers
from neurodeploy.training.neurons import LIF

_EXAMPLE = "mlp:784-256-10 or mlp:64-128-10,readout=spiking,decay=0.5,threshold=1.0"
_READERS = {
    "readout": options.choice("linear", "spiking"),
    "decay": options.decay,
    "threshold": options.threshold,
    "reset": options.choice("subtract", "zero"),
}


@dataclass(frozen=True, slots=True)
class MLPSpec:
    """What a notation such as `64-128-10,readout=spiking,decay=0.5` says; `str()` writes it again.

    `sizes` are the neurons of each layer, inputs first. `readout` 'linear': the output o[t] is the current
    of the last layer; 'spiking': its spikes. `decay` in [0, 1] per step, `threshold` and `reset`, 'subtract' or 'zero',
    hold for every LIF.
    """

    sizes: tuple[int, ...]
    readout: str = "linear"
    decay: float = 0.5
    threshold: float = 1.0
    reset: Literal["subtract", "zero"] = "subtract"

    @staticmethod
    def parse(arguments: str) -> MLPSpec:
        """Parse `SIZE-SIZE[-SIZE...][,OPTION=VALUE...]`; `UsageError` saying what is wrong."""
        sizes, *given = arguments.split(",")
        return MLPSpec(_parse_sizes(sizes), **options.parse_options(f"mlp:{sizes}", given, _READERS))

    def __str__(self) -> str:
        sizes = "-".join(map(str, self.sizes))
        reset = "" if self.reset == "subtract" else f",reset={self.reset}"
        return f"mlp:{sizes},readout={self.readout},decay={self.decay!r},threshold={self.threshold!r}{reset}"

    @property
    def input_shape(self) -> tuple[int, ...]:
        """One axis of all inputs; data of any shape with as many values are flattened."""
        return self.sizes[:1]

    @property
    def classes(self) -> int:
        """Number of outputs."""
        return self.sizes[-1]

    def layers(self) -> Layers:
        """flatten, fc1, lif1, fc2, ..., fcN [, lifN]."""
        layers: dict[str, torch.nn.Module] = {"flatten": torch.nn.Flatten()}
        last = len(self.sizes) - 1
        for i, (inputs, outputs) in enumerate(zip(self.sizes, self.sizes[1:], strict=False), start=1):
            layers[f"fc{i}"] = torch.nn.Linear(inputs, outputs)
            if i < last or self.readout == "spiking":
                layers[f"lif{i}"] = LIF(self.decay, self.threshold, self.reset)
        return layers

    def initialize(self, network: torch.nn.Module, draw: Draw) -> None:
        """Weights and biases of every Linear, in their order, from U(-k, k), k = 1 / sqrt(inputs)."""
        initialize(network, uniform_fan_in, draw)

    def check_input(self, shape: tuple[int, ...]) -> None:
        """Raise `UsageError` unless `shape` has as many values as the first layer has inputs."""
        if prod(shape) != self.sizes[0]:
            sizes = "-".join(map(str, (prod(shape), *self.sizes[1:])))
            raise UsageError(
                f"model {self} takes {self.sizes[0]} inputs, but a time step of the data has "
                f"{prod(shape)} (shape {shape}). Try mlp:{sizes}"
            )


def _parse_sizes(text: str) -> tuple[int, ...]:
    parts = text.split("-")
    if len(parts) < 2 or not all(part.isascii() and part.isdigit() and int(part) > 0 for part in parts):
        raise UsageError(f"model mlp:{text}: must be two or more positive sizes, such as {_EXAMPLE}")
    sizes = tuple(map(int, parts))
    if max(sizes) > options.MAX_SIZE:
        raise UsageError(f"model mlp:{text}: layer of {max(sizes)} neurons; the limit is {options.MAX_SIZE}")
    return sizes
