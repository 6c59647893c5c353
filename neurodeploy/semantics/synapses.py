"""Exact sums of integer synapses by floating-point BLAS, in a number type that a proven bound chooses.

|W| x_max, summed over the inputs of a neuron, bounds every partial sum in any order of summation. Samples are the
last axis of all arrays, so that one neuron of all samples is a contiguous run of numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.ir.ops import IntConv, IntDense, IntSynapses
from neurodeploy.semantics import bounds
from neurodeploy.semantics.convolution import Convolution

Array = npt.NDArray[Any]


def float_type(bound: int) -> np.dtype[np.floating]:
    """The narrowest float type in which sums of integers are exact while no partial sum exceeds `bound`.

    float32 below 2^24, else float64, which needs `bounds.require_exact`: all sums below 2^53.
    """
    return np.dtype(np.float32 if bound < bounds.EXACT_FLOAT32 else np.float64)


class Dense:
    """W x for `x` `(T, in, N)`: one matrix product over all steps and samples."""

    def __init__(self, op: IntDense, dtype: np.dtype[np.floating]) -> None:
        self._weight = op.weight_q.astype(dtype)

    def __call__(self, x: Array) -> Array:
        """The sums `(T, out, N)`."""
        steps, inputs, samples = x.shape
        columns = np.ascontiguousarray(x.transpose(1, 0, 2), self._weight.dtype).reshape(inputs, -1)
        sums: Array = (self._weight @ columns).reshape(-1, steps, samples)
        return sums.transpose(1, 0, 2)


class Synapses:
    """a = shift(sum W_q x, exponent) of one group, for integers x of magnitude up to `largest_input`.

    Sums and shifted sums are whole numbers in a float type that holds them exactly.
    """

    def __init__(self, op: IntSynapses, largest_input: int) -> None:
        dtype = float_type(bounds.partial_sums(op, largest_input))
        self._sums = SUMS[type(op)](op, dtype)
        self._exponent = op.exponent

    def __call__(self, x: Array) -> Array:
        """Currents `(T, *out, N)` of inputs `(T, *in, N)`."""
        sums = self._sums(x)
        if self._exponent:
            np.ldexp(sums, self._exponent, out=sums)
        if self._exponent < 0:
            np.floor(sums, out=sums)
        return sums


SUMS: dict[type, Callable[[Any, np.dtype[np.floating]], Callable[[Array], Array]]] = {
    IntDense: Dense,
    IntConv: Convolution,
}
"""What computes the sums of each kind of synapses."""
