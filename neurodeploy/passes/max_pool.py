"""Max pooling of spikes as neurons."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from neurodeploy.errors import UnsupportedError
from neurodeploy.ir import LIF, Concat, Conv, Delay, Flatten, Graph, Input, MaxPool, Op, Scale, Shape
from neurodeploy.network import Note
from neurodeploy.passes.base import Notes


@dataclass(frozen=True, slots=True)
class MaxPoolNeurons:
    """Float graph -> float graph without MaxPool.

    1. The largest of binary values is 1 where their sum is at least 1: each window becomes a neuron without memory
       (decay 0, threshold 1, 'ge', reset 'zero') behind a convolution of ones, each channel by itself. It spikes in
       the same step, and its integers are exact: one spike just reaches the threshold.
    2. Where the pool passed on values (a binary input), a Scale by 1 makes values of the spikes.
    """

    name: ClassVar[str] = "max-pool"

    def apply(self, graph: Graph, notes: Notes) -> Graph:
        """See the class; raises `UnsupportedError` for a pool of anything but binary values."""
        ops = {name: graph.op(name) for name in graph.names}
        edges = list(graph.edges)
        for name, op in graph.of(MaxPool).items():
            (source,) = graph.sources(name)
            _check(graph, name, op, source)
            sums, neurons = _free(ops, f"{name}.sum"), name
            if graph.types[name].signal == "value":  # rule 2
                neurons = _free(ops, f"{name}.spikes")
                ops[name] = Scale(1.0)
                edges.append((neurons, name))
            ops[sums] = _sums(op, graph.types[source].shape)
            ops[neurons] = LIF(graph.types[name].shape, 0.0, 1.0, "zero", "ge")
            edges = [*(edge for edge in edges if edge != (source, name)), (source, sums), (sums, neurons)]
            count = prod(graph.types[name].shape)
            notes.append(
                Note(name, f"max pooling of spikes by {count} neurons that spike where any input does")
            )
        return Graph(ops, edges)


def _sums(op: MaxPool, given: Shape) -> Conv:
    channels, ones = given[0], (1,) * len(op.kernel)
    weight = np.ones((channels, 1, *op.kernel), np.float32)
    return Conv(weight, np.zeros(channels, np.float32), op.stride, op.padding, ones, channels)


def _free(ops: dict[str, Op], name: str) -> str:
    return next(free for i in range(len(ops) + 1) if (free := f"{name}.{i}" if i else name) not in ops)


def _check(graph: Graph, name: str, op: MaxPool, source: str) -> None:
    cause = not_binary(graph, source)
    if cause is not None:
        raise UnsupportedError(
            f"layer '{name}': only the maximum of binary spikes can be made of neurons, but {cause}; "
            "use average pooling, or pool the spikes behind the neurons"
        )
    axes = len(op.kernel)
    places, extents = graph.types[name].shape[1:], graph.types[source].shape[1:]
    for i in range(axes):
        last = (places[i] - 1) * op.stride[i] - op.padding[i]
        if op.padding[i] >= op.kernel[i] or last >= extents[i]:
            raise UnsupportedError(
                f"layer '{name}': a window {op.kernel} lies wholly in the padding {op.padding}; pad by less"
            )


def not_binary(graph: Graph, name: str) -> str | None:
    """Why the result of a layer may be other than 0 and 1, or None if it cannot."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        at = waiting.pop()
        op = graph.op(at)
        if isinstance(op, (MaxPool, Flatten, Concat, Delay)):
            waiting += [source for source in graph.sources(at) if source not in seen]
            seen |= set(graph.sources(at))
        elif isinstance(op, LIF) and op.max_spikes > 1:
            return f"'{at}' spikes up to {op.max_spikes} times a step"
        elif isinstance(op, Input) and op.encoding != "binary":
            return f"the input '{at}' is {op.encoding}"
        elif not isinstance(op, (LIF, Input)):
            return f"'{at}' ({op.kind}) gives {graph.types[at].signal}s"
    return None
