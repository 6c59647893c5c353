"""Count what the network needs of the chip and compare with what the chip has."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import ceil, prod
from typing import Any, ClassVar

import numpy as np

from neurodeploy.chip import Chip
from neurodeploy.errors import FitError
from neurodeploy.ir import Graph, IntLIF, IntSynapses, Shape
from neurodeploy.network import Note
from neurodeploy.passes.base import Notes
from neurodeploy.semantics import signed_bits


@dataclass(frozen=True, slots=True)
class LayerNeed:
    """What one layer of neurons and its incoming synapses need.

    `synapses` counts connections, `synapse_bytes` stored weights (those of a convolution once) at the narrowest
    width that holds them, without the chip's own headers;
    `cores` is the least number of cores when the layer is split evenly; `binding` names what decides it.
    """

    layer: str
    neurons: int
    synapses: int
    weight_bits: int
    synapse_bytes: int
    cores: int
    binding: str


@dataclass(frozen=True, slots=True)
class ChipNeed:
    """The whole network on one chip."""

    chip: str
    layers: tuple[LayerNeed, ...]
    cores: int
    cores_limit: int
    not_checked: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """True when there are enough cores."""
        return self.cores <= self.cores_limit

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "fits": self.fits}


def chip_need(graph: Graph, chip: Chip) -> ChipNeed:
    """Cores that an integer graph needs on `chip`, one layer a group of cores: a lower bound."""
    layers = tuple(_layer(graph, name, op, chip) for name, op in graph.of(IntLIF).items())
    return ChipNeed(chip.id, layers, sum(n.cores for n in layers), chip.chip.cores.value, chip.not_public)


def connections(op: IntSynapses, shape: Shape) -> int:
    """Connections of one group into neurons of `shape`: a shared weight counts at every place."""
    return prod(shape) * int(op.weight_q[0].size)


def weight_bits(weight_q: np.ndarray[tuple[int, ...], np.dtype[np.int8]]) -> int:
    """Fewest bits, 2 or more, of a signed weight that hold every weight."""
    return max(2, signed_bits(weight_q))


def _layer(graph: Graph, name: str, op: IntLIF, chip: Chip) -> LayerNeed:
    groups = [g for source in graph.sources(name) if isinstance(g := graph.op(source), IntSynapses)]
    neurons = prod(op.shape)
    bits = max((weight_bits(g.weight_q) for g in groups), default=2)
    synapses = sum(connections(g, op.shape) for g in groups)
    memory = sum(ceil(g.weight_q.size * weight_bits(g.weight_q) / 8) for g in groups)
    by_neurons = ceil(neurons / chip.core.neurons.value)
    by_memory = ceil(memory / chip.core.synapse_memory.value)
    binding = "synapse memory" if by_memory > by_neurons else "neurons"
    return LayerNeed(name, neurons, synapses, bits, memory, max(by_neurons, by_memory), binding)


@dataclass(frozen=True, slots=True)
class Fit:
    """Integer graph -> the same graph, checked.

    1. Each layer needs as many cores as its neurons or its synapse memory, whichever is more.
    2. All layers together must not need more cores than the chip has.
    """

    name: ClassVar[str] = "fit"
    chip: Chip

    def apply(self, graph: Graph, notes: Notes) -> Graph:
        """See the class; raises `FitError` naming the layer that needs most."""
        need = chip_need(graph, self.chip)
        if not need.fits:
            most = max(need.layers, key=lambda layer: layer.cores)
            raise FitError(
                f"needs {need.cores} cores; {need.chip} has {need.cores_limit} ({need.cores - need.cores_limit} over). "
                f"Layer '{most.layer}' needs most: {most.cores} cores for {most.neurons} neurons and "
                f"{most.synapse_bytes} bytes of weights ({most.binding} binds). Try fewer --bits or a smaller layer"
            )
        notes.append(
            Note("network", f"fits: at least {need.cores} of {need.cores_limit} cores of {need.chip}")
        )
        return graph
