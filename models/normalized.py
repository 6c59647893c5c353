"""The option `normalize=` of every model: a network whose first layer normalizes its images."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import torch

from neurodeploy.errors import UsageError
from neurodeploy.models.initialization import Draw
from neurodeploy.models.network import Layers, Spec
from neurodeploy.training.modules import Normalize

OPTION = "normalize"


@dataclass(frozen=True, slots=True)
class Constants:
    """Mean and standard deviation of each channel, for pixels in [0, 1]."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __str__(self) -> str:
        known = (name for name, constants in CONSTANTS.items() if constants == self)
        return next(known, ":".join("/".join(map(repr, numbers)) for numbers in (self.mean, self.std)))


CONSTANTS = {
    "cifar10": Constants((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    "cifar100": Constants((0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761)),
    "cifar10-dvs": Constants((0.2728, 0.1295), (0.2225, 0.1290)),
    "imagenet": Constants((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "mnist": Constants((0.1307,), (0.3081,)),
}
"""Those of the papers' code. OTTT takes cifar10 for CIFAR-100 too, the event-driven rule mnist for Fashion-MNIST."""


@dataclass(frozen=True, slots=True)
class NormalizedSpec:
    """The network of `inner` behind `normalize=NAME` or `normalize=MEAN[/MEAN...]:STD[/STD...]`."""

    inner: Spec
    constants: Constants

    def __str__(self) -> str:
        return f"{self.inner},{OPTION}={self.constants}"

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one sample at one time step."""
        return self.inner.input_shape

    @property
    def classes(self) -> int:
        """Number of outputs."""
        return self.inner.classes

    def layers(self) -> Layers:
        """normalize, and all of the inner network."""
        return {OPTION: Normalize(self.constants.mean, self.constants.std), **self.inner.layers()}

    def initialize(self, network: torch.nn.Module, draw: Draw) -> None:
        """As the inner network; normalizing draws nothing."""
        self.inner.initialize(network, draw)
        network.get_submodule(OPTION).reset_parameters()  # type: ignore[operator]

    def check_input(self, shape: tuple[int, ...]) -> None:
        """Raise `UsageError` unless these are images that fit, of as many channels as there are constants."""
        self.inner.check_input(shape)
        channels = 1 if len(shape) == 2 else shape[0] if len(shape) == 3 else 0
        if channels != len(self.constants.mean):
            raise UsageError(
                f"model {self}: {OPTION} is for images of {len(self.constants.mean)} channels, but a time step of "
                f"the data has shape {shape}"
            )


def split(arguments: str) -> tuple[str, Constants | None]:
    """The arguments of a model without `normalize=...`, and what that says; `UsageError` where it is wrong."""
    parts = arguments.split(",")
    given = [part.partition("=")[2] for part in parts if part.partition("=")[0] == OPTION]
    if len(given) > 1:
        raise UsageError(f"model option {OPTION} is given twice")
    others = ",".join(part for part in parts if part.partition("=")[0] != OPTION)
    return others, _constants(given[0]) if given else None


def _constants(text: str) -> Constants:
    if text in CONSTANTS:
        return CONSTANTS[text]
    mean, _, std = text.partition(":")
    try:
        found = Constants(_numbers(mean), _numbers(std))
    except ValueError:
        found = Constants((), ())
    if not found.mean or len(found.mean) != len(found.std) or min(found.std) <= 0:
        raise UsageError(
            f"model option {OPTION}={text}: there are {', '.join(CONSTANTS)}, and MEAN[/MEAN...]:STD[/STD...] with "
            "one number a channel, deviations positive"
        )
    return found


def _numbers(text: str) -> tuple[float, ...]:
    numbers = tuple(map(float, text.split("/")))
    if not all(map(isfinite, numbers)):
        raise ValueError(text)
    return numbers
