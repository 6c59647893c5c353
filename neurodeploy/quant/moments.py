"""Second moments of what reaches each group of synapses, from a float run on real data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import UnsupportedError
from neurodeploy.ir import Conv, Delay, Dense, Flatten, Graph, Input
from neurodeploy.ir.convolution import slide
from neurodeploy.ir.interpreter import FloatResult, interpret

Array = npt.NDArray[Any]
ROWS = 1 << 14
"""Most input vectors, or patches of a convolution, that are multiplied at a time."""
PATCHES = 1 << 17
"""Most patches that are taken of a convolution, evenly spaced over samples and places."""
SAMPLES = 256
"""Samples whose spikes give the second moments."""


class Moments(Protocol):
    """Where second moments come from."""

    def of(self, synapses: str) -> Array:
        """Those of one group of synapses, float64 `(groups, in, in)`."""


class Measured:
    """Second moments in `graph`, from a float run of the first 256 of `sample` for `steps` steps.

    `sample` is `(N, *shape)`, shown in every step, or `(T, N, *shape)` with `time_axis`. The run is made when it is
    first asked for.
    """

    def __init__(self, graph: Graph, sample: Array, steps: int, *, time_axis: bool = False) -> None:
        self._graph, self._steps, self._time_axis = graph, steps, time_axis
        self._sample = first_samples(sample, SAMPLES, time_axis)

    def of(self, synapses: str) -> Array:
        """See `second_moments`; raises `UnsupportedError` for a layer without weights."""
        op = self._graph.op(synapses)
        if not isinstance(op, (Dense, Conv)):
            raise UnsupportedError(f"layer '{synapses}': '{op.kind}' has no weights")
        return second_moments(op, self._inputs.of(synapses))

    @cached_property
    def _inputs(self) -> Inputs:
        return Inputs.of_run(self._graph, self._sample, self._steps, self._time_axis)


def first_samples(sample: Array, count: int, time_axis: bool) -> Array:
    """The first `count` of `(N, *shape)`, or of `(T, N, *shape)` with `time_axis`."""
    return sample[:, :count] if time_axis else sample[:count]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What every layer of a float run got: `x` the real input `(1 or T, N, *shape)`, and the run itself."""

    graph: Graph
    x: Array
    result: FloatResult

    @classmethod
    def of_run(cls, graph: Graph, sample: Array, steps: int, time_axis: bool) -> Inputs:
        """Run `sample`, `(N, *shape)`, or `(T, N, *shape)` with `time_axis`, in float32."""
        x = sample.astype(np.float32)
        return cls(graph, x if time_axis else x[np.newaxis], interpret(graph, x, steps, time_axis=time_axis))

    def of(self, synapses: str) -> Array:
        """What reached a group of synapses, one row per step and sample, `(T * N, *shape)`."""
        name = self.graph.sources(synapses)[0]
        shape = self.graph.types[name].shape
        delay = 0
        while isinstance(op := self.graph.op(name), (Flatten, Delay)):
            delay += op.steps if isinstance(op, Delay) else 0
            name = self.graph.sources(name)[0]
        values = self.x if isinstance(self.graph.op(name), Input) else self.result.spikes[name]
        kept = values if len(values) == 1 else values[: max(len(values) - delay, 1)]
        return kept.reshape(-1, *shape)


def second_moments(op: Dense | Conv, x: Array) -> Array:
    """H = mean of s s^T over all input vectors s of one group, float64 `(groups, in, in)`; one group for Dense.

    `x` `(rows, *shape)`. The vectors of a convolution are its patches, in the order of its kernel. Products are summed
    in float32 over chunks of vectors, which is exact for spikes.
    """
    groups, size = (op.groups, op.weight[0].size) if isinstance(op, Conv) else (1, op.weight.shape[1])
    total, count = np.zeros((groups, size, size)), 0
    for rows in _vectors(op, x):
        total += np.matmul(rows.transpose(0, 2, 1), rows)
        count += rows.shape[1]
    return total / max(count, 1)


def _vectors(op: Dense | Conv, x: Array) -> Iterator[Array]:
    """Input vectors `(groups, rows, in)` in chunks, float32."""
    if isinstance(op, Dense):
        for first in range(0, len(x), ROWS):
            yield x[np.newaxis, first : first + ROWS].astype(np.float32, copy=False)
        return
    places = int(np.prod(op.windows.places(x.shape[2:])))
    sparse = x[:: max(1, len(x) * places // PATCHES)]
    for first in range(0, len(sparse), max(1, ROWS // places)):
        yield _patches(op, sparse[first : first + max(1, ROWS // places)])


def _patches(op: Conv, x: Array) -> Array:
    axes = len(op.windows.kernel)
    seen = slide(x, op.windows)  # (rows, in, *places, *kernel)
    order = (1, 0, *range(2, 2 + axes), *range(2 + axes, 2 + 2 * axes))
    by_channel = seen.transpose(order).reshape(seen.shape[1], -1, *op.windows.kernel)
    by_group = by_channel.reshape(op.groups, -1, *by_channel.shape[1:]).swapaxes(1, 2)
    return by_group.reshape(op.groups, by_group.shape[1], -1).astype(np.float32, copy=False)
