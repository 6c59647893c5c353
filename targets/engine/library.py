"""What a machine computes with: layers, and a library of arrays that makes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from neurodeploy.backend import IntArray
from neurodeploy.ir import Delay, IntConv, IntDense, IntInput, IntLIF, Shape
from neurodeploy.semantics import Registers, bounds

Array = Any
"""An array of NumPy or a tensor of torch, time first; one step long where every step is the same."""


class Layer(Protocol):
    """One layer while a batch runs."""

    def reset(self, samples: int) -> None:
        """Go to the reset state, for a batch of `samples`."""
        ...

    def advance(self, inputs: list[Array], steps: int) -> Array:
        """The values of the next `steps` steps."""
        ...


class NeuronLayer(Layer, Protocol):
    """Neurons: what of their last window is kept, and what overflowed since the reset."""

    membrane: Array | None
    current: Array | None

    @property
    def overflows(self) -> int:
        """Values that the registers could not hold."""
        ...


class Library(Protocol):
    """How a library of arrays holds values, and the layers that it has."""

    def given(self, x: IntArray, op: IntInput) -> Array:
        """Values of the input `(T, N, *shape)` as layers take them."""
        ...

    def joined(self, pieces: list[Array]) -> Array:
        """Windows of values, one behind the other in time."""
        ...

    def integers(self, values: Array) -> IntArray:
        """Values as int64 `(T, N, *shape)`."""
        ...

    def shaped(self, values: Array, shape: Shape) -> Array:
        """The same values as neurons of another shape."""
        ...

    def silence(self, op: Delay, samples: int, low: int, high: int) -> Array:
        """As many steps of zeros as the delay has, in a type that holds currents, or values within these."""
        ...

    def synapses(self, op: IntDense | IntConv, largest_input: int) -> Callable[[Array], Array]:
        """The currents of one group of synapses, whose inputs have magnitudes up to `largest_input`."""
        ...

    def neurons(
        self, op: IntLIF, registers: Registers, checked: bounds.Checked, keep: bool, keep_current: bool
    ) -> NeuronLayer:
        """Neurons that check these registers. They keep potentials and currents of a window if asked to."""
        ...
