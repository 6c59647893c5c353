"""Networks for the event-driven rule by the notation of its paper, such as `28x28-15C5-P2-40C5-P2-300-10`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from math import prod
from typing import TYPE_CHECKING

import torch

from neurodeploy.errors import UsageError
from neurodeploy.training.event.modules import SpikeResponse, StandardizedConv2d, StandardizedLinear
from neurodeploy.training.event.neurons import Dynamics

if TYPE_CHECKING:
    from neurodeploy.models.initialization import Draw

EXAMPLES = "784-256-10 or 28x28-15C5-P2-40C5-P2-300-10,tau_m=5,tau_s=3,pool=max"
_CONV = re.compile(r"([1-9]\d*)C([1-9]\d*)(?:\(p(\d+)\))?")
_POOL = re.compile(r"P([1-9]\d*)")
_INPUT = re.compile(r"[1-9]\d*(x[1-9]\d*){0,2}")
_DENSE = re.compile(r"[1-9]\d*")
_LARGEST = 1 << 20

Part = tuple[str, tuple[int, ...]]
"""A layer: ('conv', (channels, kernel, padding)), ('pool', (size,)) or ('dense', (neurons,))."""


@dataclass(frozen=True, slots=True)
class EventSpec:
    """What a notation says; `str()` writes it again.

    `INPUT-LAYER-...-LAYER[,OPTION=VALUE...]`: INPUT is 784, 28x28 or 1x28x28; a LAYER is 32C5(p2) (32
    channels, 5x5 kernels, padding 2), P2 (pooling 2x2) or 300 (neurons). Options: tau_m, tau_s, threshold;
    pool=average|max; standardize=yes|no for weights standardized as `modules.standardize` says or bare.
    """

    chain: tuple[str, ...]
    tau_m: float = 5.0
    tau_s: float = 3.0
    threshold: float = 1.0
    pool: str = "average"
    standardize: str = "yes"

    @staticmethod
    def parse(text: str, shape: tuple[int, ...] | None = None) -> EventSpec:
        """Parse a notation; `shape` is INPUT where the notation leaves it out, as papers do.

        Raises `UsageError` saying what is wrong.
        """
        chain, *options = text.split(",")
        chosen = dict(map(_option, options))
        if len(chosen) != len(options):
            raise UsageError(f"model event:{text}: an option is given twice")
        first = ("x".join(map(str, shape)),) if shape else ()
        return EventSpec((*first, *chain.split("-")), **chosen)  # type: ignore[arg-type]

    def __post_init__(self) -> None:
        Dynamics(self.tau_m, self.tau_s, self.threshold)
        if not _INPUT.fullmatch(self.chain[0]) or len(self.chain) < 2:
            raise UsageError(
                f"model {self}: must start with the input, such as 784 or 28x28, and have a layer. "
                f"Examples: {EXAMPLES}"
            )
        shapes = self.shapes
        if len(shapes[-1]) != 1:
            raise UsageError(f"model {self}: must end in a number of classes, not {self.chain[-1]}")
        if max(map(prod, shapes)) > _LARGEST:
            raise UsageError(
                f"model {self}: a layer has {max(map(prod, shapes))} values; the limit is {_LARGEST}"
            )

    def __str__(self) -> str:
        options = (f"{f.name}={getattr(self, f.name)}" for f in fields(self)[1:])
        return f"event:{'-'.join(self.chain)},{','.join(options)}"

    @property
    def input_shape(self) -> tuple[int, ...]:
        """One time step of the data."""
        return tuple(map(int, self.chain[0].split("x")))

    @property
    def parts(self) -> tuple[Part, ...]:
        """The layers; `UsageError` naming one that is none."""
        return tuple(map(_part, self.chain[1:]))

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shape of the input, images as (channels, height, width), and of each layer's output."""
        given = self.input_shape
        shapes = [(1, *given) if len(given) == 2 else given]
        for name, part in zip(self.chain[1:], self.parts, strict=True):
            shapes.append(self._after(name, part, shapes[-1]))
        return tuple(shapes)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of inputs and of the outputs of each layer."""
        return tuple(map(prod, self.shapes))

    @property
    def classes(self) -> int:
        """Number of outputs."""
        return self.shapes[-1][0]

    def layers(self) -> Mapping[str, torch.nn.Module]:
        """[image,] conv1, neurons1, pool2, ..., flatten, fcN, neuronsN; no layer has a bias."""
        return dict(_modules(self))

    @torch.no_grad()
    def initialize(self, network: torch.nn.Module, draw: Draw) -> None:
        """Weights from U(-k, k), k = 1 / sqrt(inputs of a neuron); gains 1 and offsets 0 of standardized ones.

        The rule sets firing rates later, see `neurodeploy.training.event.initialize`.
        """
        for layer in network.modules():
            if isinstance(layer, torch.nn.Linear | torch.nn.Conv2d):
                draw.uniform(layer.weight, float(layer.weight[0].numel()) ** -0.5)
            if isinstance(layer, StandardizedLinear | StandardizedConv2d):
                layer.norm_weight.fill_(1.0)
                layer.norm_bias.fill_(0.0)

    def check_input(self, shape: tuple[int, ...]) -> None:
        """Raise `UsageError` where one time step of the data, `shape`, does not fit the first layer."""
        flat = self.parts[0][0] == "dense" and prod(shape) == self.sizes[0]
        if not flat and shape != self.input_shape:
            fitting = "-".join(("x".join(map(str, shape)), *self.chain[1:]))
            raise UsageError(
                f"model {self} takes {self.chain[0]}, but a time step of the data is {shape}. "
                f"Try event:{fitting}"
            )

    def _after(self, name: str, part: Part, shape: tuple[int, ...]) -> tuple[int, ...]:
        kind, numbers = part
        if kind == "dense":
            return numbers
        if len(shape) != 3:
            raise UsageError(
                f"model {self}: {name} needs images, but has {prod(shape)} plain inputs before it"
            )
        if kind == "conv":
            channels, kernel, padding = numbers
            after = (channels, *(n + 2 * padding - kernel + 1 for n in shape[1:]))
        else:
            after = (shape[0], *(n // numbers[0] for n in shape[1:]))
        if min(after) < 1:
            raise UsageError(f"model {self}: {name} does not fit into {shape[1]}x{shape[2]} images")
        return after


def _part(text: str) -> Part:
    if conv := _CONV.fullmatch(text):
        return "conv", (int(conv[1]), int(conv[2]), int(conv[3] or 0))
    if pool := _POOL.fullmatch(text):
        return "pool", (int(pool[1]),)
    if _DENSE.fullmatch(text):
        return "dense", (int(text),)
    raise UsageError(f"model layer {text!r}: must be such as 32C5, 32C5(p2), P2 or 300. Examples: {EXAMPLES}")


def _option(text: str) -> tuple[str, str | float]:
    name, _, value = text.partition("=")
    if (name, value) in (("pool", "average"), ("pool", "max"), ("standardize", "yes"), ("standardize", "no")):
        return name, value
    if name in ("tau_m", "tau_s", "threshold"):
        try:
            return name, float(value)
        except ValueError:
            raise UsageError(f"model option {text!r}: {name} must be a number") from None
    raise UsageError(
        f"model option {text!r}: there are tau_m=STEPS, tau_s=STEPS, threshold=V, pool=average|max, "
        f"standardize=yes|no. Examples: {EXAMPLES}"
    )


def _modules(spec: EventSpec) -> Iterator[tuple[str, torch.nn.Module]]:
    """The layers by name: those of part i, counted from 1, end in i."""
    if len(spec.input_shape) == 2 and spec.parts[0][0] != "dense":
        yield "image", torch.nn.Unflatten(1, (1, spec.input_shape[0]))
    flat = False
    for i, ((kind, numbers), shape) in enumerate(zip(spec.parts, spec.shapes, strict=False), start=1):
        if kind == "pool":
            pool = torch.nn.MaxPool2d if spec.pool == "max" else torch.nn.AvgPool2d
            yield f"pool{i}", pool(numbers[0])
            continue
        if kind == "conv":
            yield f"conv{i}", _conv(spec, shape[0], numbers)
        else:
            if not flat:
                yield "flatten", torch.nn.Flatten()
            flat = True
            yield f"fc{i}", _dense(spec, prod(shape), numbers[0])
        yield f"neurons{i}", SpikeResponse(spec.tau_m, spec.tau_s, spec.threshold)


def _conv(spec: EventSpec, inputs: int, numbers: tuple[int, ...]) -> torch.nn.Conv2d:
    channels, kernel, padding = numbers
    if spec.standardize == "yes":
        return StandardizedConv2d(inputs, channels, kernel, padding)
    return torch.nn.Conv2d(inputs, channels, kernel, padding=padding, bias=False)


def _dense(spec: EventSpec, inputs: int, outputs: int) -> torch.nn.Linear:
    if spec.standardize == "yes":
        return StandardizedLinear(inputs, outputs)
    return torch.nn.Linear(inputs, outputs, bias=False)
