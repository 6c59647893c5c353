"""The library of arrays that is always there: NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import IntArray
from neurodeploy.ir import Delay, IntConv, IntDense, IntInput, IntLIF, Shape
from neurodeploy.semantics import Registers, bounds
from neurodeploy.semantics.synapses import Synapses
from neurodeploy.targets.engine.neurons import Neurons
from neurodeploy.targets.engine.storage import integer_type

Array = npt.NDArray[Any]


class NumPy:
    """See `Library`. Values are `(T, *shape, N)`: a step of a neuron is a contiguous run of numbers."""

    def given(self, x: IntArray, op: IntInput) -> Array:
        """See `Library.given`."""
        return np.ascontiguousarray(np.moveaxis(x, 1, -1), integer_type(op.low, op.high))

    def joined(self, pieces: list[Array]) -> Array:
        """See `Library.joined`."""
        return np.concatenate(pieces)

    def integers(self, values: Array) -> IntArray:
        """See `Library.integers`."""
        return np.ascontiguousarray(np.moveaxis(values, -1, 1), np.int64)

    def shaped(self, values: Array, shape: Shape) -> Array:
        """See `Library.shaped`."""
        return values.reshape(len(values), *shape, values.shape[-1])

    def silence(self, op: Delay, samples: int, low: int, high: int) -> Array:
        """See `Library.silence`."""
        dtype = np.dtype(np.float64) if op.signal == "current" else integer_type(low, high)
        return np.zeros((op.steps, *op.shape, samples), dtype)

    def synapses(self, op: IntDense | IntConv, largest_input: int) -> Synapses:
        """See `Library.synapses`."""
        return Synapses(op, largest_input)

    def neurons(
        self, op: IntLIF, registers: Registers, checked: bounds.Checked, keep: bool, keep_current: bool
    ) -> Neurons:
        """See `Library.neurons`."""
        return Neurons(op, registers, checked, keep, keep_current)


NUMPY = NumPy()
