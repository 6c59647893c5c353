"""Small networks whose resources are counted."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.ir import Flatten, Graph, IntConv, IntDense, IntInput, IntLIF, Op, Output


def neurons(*shape: int, reset: str = "zero", **fields: Any) -> IntLIF:
    parameters = {"du": 4096, "dv": 0, "bias_q": 0, "threshold_q": 0 if reset == "none" else 640, **fields}
    return IntLIF(shape, reset=reset, **parameters)  # type: ignore[arg-type]


def line(ops: dict[str, Op]) -> Graph:
    """One operation after the other."""
    every = {**ops, "out": Output()}
    return Graph(every, list(pairwise(every)))


def dense(*weights: npt.ArrayLike, reset: str = "zero") -> Graph:
    """Fully connected layers fc1, lif1, fc2, ... with these weights `(out, in)`."""
    ops: dict[str, Op] = {"in": IntInput((np.shape(weights[0])[1],), 1.0, 0, 1)}
    for i, weight in enumerate(weights, 1):
        ops[f"fc{i}"] = IntDense(np.asarray(weight), 0)
        ops[f"lif{i}"] = neurons(np.shape(weight)[0], reset=reset)
    return line(ops)


def full(*sizes: int, reset: str = "zero") -> Graph:
    """Fully connected layers, all weights 100: 8 bits."""
    return dense(*(np.full((out, into), 100) for into, out in pairwise(sizes)), reset=reset)


def conv(
    weight: npt.ArrayLike,
    shape: tuple[int, ...],
    stride: int = 1,
    padding: int = 1,
    groups: int = 1,
    outputs: int = 3,
) -> Graph:
    """One convolution with its neurons, and a fully connected layer behind."""
    axes = len(shape) - 1
    kernel = IntConv(np.asarray(weight), 0, (stride,) * axes, (padding,) * 2 * axes, (1,) * axes, groups)
    places = kernel.windows.places(shape[1:])
    maps = (len(kernel.weight_q), *places)
    first: dict[str, Op] = {"in": IntInput(shape, 1.0, 0, 1), "conv": kernel, "lif": neurons(*maps)}
    last: dict[str, Op] = {
        "flat": Flatten(),
        "fc": IntDense(np.full((outputs, int(np.prod(maps))), 5), 0),
        "end": neurons(outputs),
    }
    return line({**first, **last})
