"""What a chip sees of a network: layers of neurons and the groups of synapses between them, in either dialect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import UnsupportedError
from neurodeploy.ir import (
    LIF,
    Conv,
    Delay,
    Dense,
    Flatten,
    Graph,
    Input,
    IntConv,
    IntInput,
    IntLIF,
    IntSynapses,
    Readout,
    Shape,
)
from neurodeploy.ir.windows import Windows
from neurodeploy.semantics import signed_bits

WEIGHT_BITS = 8
"""Bits of a weight that is not quantized yet."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Synapses from layer `source` into one layer of neurons of shape `target`.

    `present` bool: which weights are other than 0, `(out, in)`, or `(out, in / groups, *kernel)` where `windows` says
    how the kernel slides. `bits`: the fewest, 2 or more, that hold every weight. `delay` in steps.
    """

    name: str
    source: str
    source_shape: Shape
    target: Shape
    present: npt.NDArray[np.bool_]
    bits: int
    windows: Windows | None = None
    groups: int = 1
    delay: int = 0

    @property
    def connections(self) -> int:
        """Synapses, where a shared weight counts at every place."""
        return prod(self.target) * int(self.present[0].size)


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Neurons of `shape` with the groups of synapses that drive them; no groups and no settings: the input.

    `settings` are decays and such, `thresholds` theirs: arrays that broadcast to `shape`.
    """

    name: str
    shape: Shape
    reset: str
    groups: tuple[Group, ...]
    settings: tuple[npt.NDArray[Any], ...]
    thresholds: npt.NDArray[Any]

    @property
    def neurons(self) -> int:
        """How many."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """The layers of neurons by name in the order in which they compute, and the shape of every source of spikes."""

    neurons: Mapping[str, Layer]
    sources: Mapping[str, Shape]

    def users(self, source: str) -> tuple[tuple[Layer, Group], ...]:
        """The groups that take the spikes of `source`, with the layer that each drives."""
        every = ((layer, group) for layer in self.neurons.values() for group in layer.groups)
        return tuple((layer, group) for layer, group in every if group.source == source)


def layers(graph: Graph) -> Layers:
    """The layers of an integer graph, or of a float graph that is lowered to Dense and Conv (bits: 8)."""
    kinds = (IntLIF, LIF, Readout)
    found = {n: _layer(graph, n, op) for n in graph.names if isinstance(op := graph.op(n), kinds)}
    inputs = {n: graph.types[n].shape for n in graph.names if isinstance(graph.op(n), (Input, IntInput))}
    return Layers(found, {**inputs, **{name: layer.shape for name, layer in found.items()}})


def _layer(graph: Graph, name: str, op: IntLIF | LIF | Readout) -> Layer:
    groups = tuple(_group(graph, source, op.shape) for source in graph.sources(name))
    if isinstance(op, IntLIF):
        settings = (op.du, op.dv, np.asarray(op.refractory))
        return Layer(name, op.shape, op.reset, groups, settings, op.threshold_q)
    if isinstance(op, LIF):
        settings = (op.decay, op.current_decay, np.asarray(op.refractory))
        return Layer(name, op.shape, op.reset, groups, settings, op.threshold)
    return Layer(name, op.shape, "none", groups, (np.asarray(op.decay),), np.zeros(()))


def _group(graph: Graph, name: str, target: Shape) -> Group:
    op = graph.op(name)
    if not isinstance(op, (IntSynapses, Dense, Conv)):
        raise UnsupportedError(
            f"layer '{name}': '{op.kind}' is not lowered to synapses yet; its resources cannot be counted"
        )
    weight = op.weight_q if isinstance(op, IntSynapses) else op.weight
    bits = max(2, signed_bits(weight)) if isinstance(op, IntSynapses) else WEIGHT_BITS
    source, delay = _source(graph, name)
    return Group(
        name=name,
        source=source,
        source_shape=graph.types[source].shape,
        target=target,
        present=weight != 0,
        bits=bits,
        windows=op.windows if isinstance(op, (IntConv, Conv)) else None,
        groups=op.groups if isinstance(op, (IntConv, Conv)) else 1,
        delay=delay,
    )


def _source(graph: Graph, name: str) -> tuple[str, int]:
    """The layer whose spikes a group takes, and the delay on the way."""
    source, delay = graph.sources(name)[0], 0
    while isinstance(op := graph.op(source), (Flatten, Delay)):
        delay += op.steps if isinstance(op, Delay) else 0
        source = graph.sources(source)[0]
    return source, delay
