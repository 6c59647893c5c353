"""Types of the values that travel along the edges of a graph."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

Shape = tuple[int, ...]
Signal = Literal["value", "spike", "current", "potential"]


def is_given_as(shape: Shape, given: Shape) -> bool:
    """True where data of shape `given` are taken as `shape`: the same but for leading axes of one place.

    So images may come without the axis of their only channel.
    """
    return len(given) > 0 and (1,) * (len(shape) - len(given)) + given == shape


@dataclass(frozen=True, slots=True)
class TensorType:
    """What one edge carries in one time step, without the time and batch axes.

    `signal` is the meaning of the numbers:

    - `value`: a graded input, real in a float graph, integer in an integer graph;
    - `spike`: binary events, 0 or 1;
    - `current`: the sum of synaptic input to a neuron;
    - `potential`: the membrane potential of a readout.
    """

    shape: Shape
    signal: Signal

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    def __str__(self) -> str:
        return f"{self.signal}{list(self.shape)}"
