"""Where a layer stands in the graph that is being built, and what its conversion may do there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from neurodeploy.errors import UnsupportedError
from neurodeploy.frontends.torch.builder import Builder
from neurodeploy.ir import Flatten, Op, Shape
from neurodeploy.ir.types import is_given_as

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Site:
    """A layer called `name` that takes the result of `source`.

    `reads_membrane`: what is used of its result is the membrane potential, not the spikes.
    """

    builder: Builder
    name: str
    source: str
    reads_membrane: bool = False

    @property
    def shape(self) -> Shape:
        """Shape of the input."""
        return self.builder.types[self.source].shape

    def add(self, op: Op, *sources: str, part: str = "") -> str:
        """Add the layer, or a `part` of it, and return its name; without sources it takes the input."""
        return self.builder.add(self.part(part), op, *(sources or (self.source,)))

    def part(self, part: str) -> str:
        """Name of a part of the layer."""
        return self.builder.free(f"{self.name}.{part}") if part else self.name

    def current(self, gain: Any = 1.0) -> str:
        """The input as a current, times `gain`."""
        return self.builder.scaled(self.builder.as_current(self.source), gain, self.part("gain"))

    def reshape(self, shape: Shape) -> str:
        """The input with other axes: all flattened, or images at the network's input with an axis for one channel."""
        if shape == self.shape and len(shape) > 1:
            return self.source
        if shape == (prod(self.shape),):
            return self.add(Flatten())
        given = self.shape
        if not is_given_as(shape, given) or not self.builder.reshape_input(self.source, shape):
            raise UnsupportedError(
                f"{given} is reshaped to {shape}; only images at the input of the network can be, to one channel"
            )
        self.note(f"the input {given} is taken as {shape}")
        return self.source

    def pass_on(self) -> str:
        """The layer changes nothing: its result is its input."""
        self.note("left out: it changes nothing when the network runs")
        return self.source

    def note(self, what: str) -> None:
        """Record what was assumed, dropped or rounded."""
        self.builder.note(self.name, what)

    def suspect(self, what: str) -> None:
        """Record an assumption that the check of the graph may find wrong."""
        self.note(what)
        self.builder.suspicions.append(f"layer '{self.name}': {what}")

    def parameter(self, values: Any) -> Array:
        """A parameter of neurons of the input's shape: one number, or an array with all axes of the shape.

        Aligned as torch broadcasts it against `(N, *shape)`.
        """
        return aligned(values, self.shape)


Convert = Callable[[Any, Site], str]
"""Puts a module into the graph and returns the name of its result."""


def aligned(values: Any, shape: Shape) -> Array:
    """A number, array or tensor as float64 with no axes, or with those of `shape`; batch axes must be 1."""
    array = torch.as_tensor(values).detach().cpu().double().numpy()
    if array.size == 1:
        return array.reshape(())
    while array.ndim > len(shape) and array.shape[0] == 1:
        array = array[0]
    if array.ndim > len(shape):
        raise UnsupportedError(f"numbers of shape {array.shape} do not belong to results of shape {shape}")
    return array.reshape((1,) * (len(shape) - array.ndim) + array.shape)
