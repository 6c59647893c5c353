"""How the results of layers lie in memory: channels last, in bytes where they fit."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.ir import Flatten, Graph, IntDense, IntLIF, Output, Shape
from neurodeploy.semantics import Registers, bounds

Order = npt.NDArray[np.int64]
BYTE = 255


@dataclass(frozen=True, slots=True)
class Signal:
    """The result of a layer: `stored = value - offset` in `dtype`, and the place of every number.

    `order[i]` is the index of stored number i in the natural order of the layer's shape; None where both are the same.
    """

    shape: Shape
    dtype: np.dtype[Any]
    offset: int
    order: Order | None

    @property
    def size(self) -> int:
        """Numbers of one sample."""
        return prod(self.shape)

    def natural(self, stored: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """`(..., size)` as stored -> `(..., *shape)`."""
        found = np.empty(stored.shape, np.int64)
        if self.order is None:
            found[...] = stored
        else:
            found[..., self.order] = stored
        if self.offset:
            found += self.offset
        return found.reshape(*stored.shape[:-1], *self.shape)

    def stored(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The reverse, for `(..., *shape)`; one array of parameters or inputs."""
        flat = values.reshape(*values.shape[: values.ndim - len(self.shape)], self.size)
        flat = flat if self.order is None else flat[..., self.order]
        return flat - self.offset if self.offset else flat


def channels_last(shape: Shape) -> Order | None:
    """The order in which `shape` is stored."""
    if len(shape) == 1 or shape[0] == 1:
        return None
    return np.ascontiguousarray(np.moveaxis(np.arange(prod(shape)).reshape(shape), 0, -1)).ravel()


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
        order = channels_last(shape)
        if is_alias(graph, name):
            order = found[graph.sources(name)[0]].order
        found[name] = Signal(shape, dtype, offset, order)
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
    if channels_last(graph.types[graph.sources(name)[0]].shape) is None:
        return True
    return all(isinstance(graph.op(user), IntDense) for user in graph.users(name))


def is_narrow(graph: Graph, registers: Registers) -> bool:
    """True where no current, u or v, nor any intermediate of a step, can leave 32 bits."""
    return all(_fits(graph, name, op, registers) for name, op in graph.of(IntLIF).items())


def _fits(graph: Graph, name: str, op: IntLIF, registers: Registers) -> bool:
    end = (1 << 31) - 1
    if max(registers.u.bits, registers.v.bits) > 30:
        return False
    current = bounds.current(graph, name, registers).magnitude << 6
    largest_u = 1 << (registers.u.bits - 1)
    given = [p for p in (op.initial_q, op.subtracts_q, op.v_min_q) if p is not None]
    largest_v = max(1 << (registers.v.bits - 1), *(int(np.abs(p).max()) for p in given))
    steps = (current + largest_u, largest_v + largest_u + int(np.abs(op.bias_q).max()))
    return max(steps) < end and int(np.max(op.fire_at)) < end


__all__ = ["Signal", "channels_last", "is_alias", "is_narrow", "signals"]
