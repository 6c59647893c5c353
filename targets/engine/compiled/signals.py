"""How the results of layers lie in memory: channels last, in bytes where they fit."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.ir import Flatten, Graph, IntDense, IntLIF, Output, Shape
from neurodeploy.semantics import CURRENT_SHIFT, Registers, bounds

Order = npt.NDArray[np.int64]
BYTE = 255


@dataclass(frozen=True, slots=True)
class Signal:
    """The result of a layer: `stored = value - offset` in `dtype`, of images `(channels, ...)` the channels last.

    `image` is the shape that is stored channels last, which a flattened signal keeps; None where the order is natural.
    """

    shape: Shape
    dtype: np.dtype[Any]
    offset: int
    image: Shape | None

    @property
    def size(self) -> int:
        """Numbers of one sample."""
        return prod(self.shape)

    @property
    def order(self) -> Order | None:
        """`order[i]`: the index of stored number i in the natural order; None where both are the same."""
        if self.image is None:
            return None
        natural = np.arange(self.size).reshape(self.image)
        return np.ascontiguousarray(np.moveaxis(natural, 0, -1)).ravel()

    def natural(self, stored: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """`(..., size)` as stored -> `(..., *shape)`."""
        found = np.empty((*stored.shape[:-1], *self.shape), np.int64)
        self.write(stored, found)
        return found

    def write(self, stored: npt.NDArray[Any], target: npt.NDArray[np.int64]) -> None:
        """The same into a part of an array `(..., *shape)`."""
        values = self._stored_order(target)
        values[...] = stored.reshape(values.shape)
        if self.offset:
            values += self.offset

    def stored(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The reverse of `natural`, for `(..., *shape)`."""
        lead = values.shape[: values.ndim - len(self.shape)]
        found: npt.NDArray[Any] = (self._stored_order(values) - self.offset).reshape(*lead, self.size)
        return found

    def read(self, values: npt.NDArray[Any], target: npt.NDArray[Any]) -> None:
        """The same into a buffer `(..., size)`; an image is narrowed first, so that bytes change places, not int64."""
        narrow = target.reshape(values.shape) if self.image is None else np.empty(values.shape, target.dtype)
        if self.offset:
            np.subtract(values, np.int64(self.offset), out=narrow, casting="unsafe")
        else:
            narrow[...] = values
        if self.image is not None:
            ordered = self._stored_order(narrow)
            target.reshape(ordered.shape)[...] = ordered

    def _stored_order(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """A view of `(..., *shape)` with the axes of an image in the order in which they are stored."""
        if self.image is None:
            return values
        lead = values.ndim - len(self.shape)
        return np.moveaxis(values.reshape(*values.shape[:lead], *self.image), lead, -1)


def _image(shape: Shape) -> Shape | None:
    """`shape` where it is stored in another order than the natural one."""
    return None if len(shape) == 1 or shape[0] == 1 else shape


def signals(graph: Graph, registers: Registers, number: np.dtype[Any]) -> dict[str, Signal]:
    """Every layer's; currents and potentials are of type `number`."""
    found: dict[str, Signal] = {}
    for name in graph.names:
        if isinstance(graph.op(name), Output):
            found[name] = found[graph.sources(name)[0]]
            continue
        shape, kind = graph.types[name].shape, graph.types[name].signal
        dtype, offset = number, 0
        if kind in ("value", "spike"):
            dtype, offset = _carrier(*bounds.carried(graph, name, registers))
        image = found[graph.sources(name)[0]].image if is_alias(graph, name) else _image(shape)
        found[name] = Signal(shape, dtype, offset, image)
    return found


def _carrier(low: int, high: int) -> tuple[np.dtype[Any], int]:
    """Bytes, shifted where there are negative values, or int64."""
    if high - low > BYTE:
        return np.dtype(np.int64), 0
    return np.dtype(np.uint8), low


def is_alias(graph: Graph, name: str) -> bool:
    """True for a `Flatten` that needs no copy: dense synapses take any order, by the order of their weights."""
    if not isinstance(graph.op(name), Flatten):
        return False
    if _image(graph.types[graph.sources(name)[0]].shape) is None:
        return True
    return all(isinstance(graph.op(user), IntDense) for user in graph.users(name))


def number_type(graph: Graph, registers: Registers) -> np.dtype[Any]:
    """Of currents and potentials: int32 where neither they nor any intermediate of a step can leave it, else int64."""
    fits = all(_fits(graph, name, op, registers) for name, op in graph.of(IntLIF).items())
    return np.dtype(np.int32 if fits else np.int64)


def _fits(graph: Graph, name: str, op: IntLIF, registers: Registers) -> bool:
    end = (1 << 31) - 1
    if max(registers.u.bits, registers.v.bits) > 30:
        return False
    current = bounds.current(graph, name, registers).magnitude << CURRENT_SHIFT
    largest_u = 1 << (registers.u.bits - 1)
    given = [p for p in (op.initial_q, op.subtracts_q, op.v_min_q) if p is not None]
    largest_v = max(1 << (registers.v.bits - 1), *(int(np.abs(p).max()) for p in given))
    steps = (current + largest_u, largest_v + largest_u + int(np.abs(op.bias_q).max()))
    return max(steps) < end and int(np.max(op.fire_at)) < end
