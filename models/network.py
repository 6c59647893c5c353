"""What every network is: a chain of named layers that runs one time step and remembers its notation."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Protocol

import torch

from neurodeploy.models.initialization import Draw

Layers = Mapping[str, torch.nn.Module]


class Spec(Protocol):
    """What a notation says; `str()` writes the notation again, with every option."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one sample at one time step."""

    @property
    def classes(self) -> int:
        """Number of outputs."""

    def layers(self) -> Layers:
        """The layers by name, in their order, with torch's numbers in them."""

    def initialize(self, network: torch.nn.Module, draw: Draw) -> None:
        """Set every parameter and buffer of `network`, made of `layers()`."""

    def check_input(self, shape: tuple[int, ...]) -> None:
        """Raise `UsageError` where one time step of the data, `shape`, does not fit the first layer."""


class Network(torch.nn.Sequential):
    """One time step of a spiking network: x[t] `(batch, *spec.input_shape)` -> o[t] `(batch, classes)`.

    o[t] are currents of the last layer, or its spikes where it ends in neurons. The predicted class is the
    argmax of the sum of o[t] over time. Membrane potentials live in the LIF layers from step to step until
    `reset()`.
    """

    spec: Spec

    def __init__(self, spec: Spec) -> None:
        super().__init__(OrderedDict(spec.layers()))
        self.spec = spec

    def reset(self) -> None:
        """Forget the last sample, in every layer that remembers one."""
        for layer in self.modules():
            reset = getattr(layer, "reset", None)
            if layer is not self and callable(reset):
                reset()
