"""Count what the network needs of the chip and compare with what the chip has."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np

from neurodeploy.chip import Chip
from neurodeploy.errors import FitError
from neurodeploy.ir import Graph, IntSynapses, Shape
from neurodeploy.network import Note
from neurodeploy.passes.base import Notes
from neurodeploy.resources import CoreUse, Layer, Use, layers, network_use
from neurodeploy.semantics import signed_bits


@dataclass(frozen=True, slots=True)
class LayerNeed:
    """What one layer of neurons and its incoming synapses need.

    `synapses` counts connections, a shared weight at every place; `cores` is the least number of cores when the layer
    is cut evenly; `uses` is, of each resource, the most that one of them uses; `binding` names the fullest.
    """

    layer: str
    neurons: int
    synapses: int
    weight_bits: int
    cores: int
    binding: str
    uses: tuple[Use, ...]


@dataclass(frozen=True, slots=True)
class ChipNeed:
    """The whole network on one chip, and what does not fit (`problems`); `core_uses` are all cores, layer by layer."""

    chip: str
    layers: tuple[LayerNeed, ...]
    cores: int
    cores_limit: int
    not_checked: tuple[str, ...]
    problems: tuple[str, ...]
    core_uses: tuple[CoreUse, ...]

    @property
    def fits(self) -> bool:
        """True when no known limit is exceeded."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "fits": self.fits}


def chip_need(graph: Graph, chip: Chip, board: str | None = None) -> ChipNeed:
    """What an integer graph, or a lowered float graph with weights of 8 bits, needs of `chip`, or of all on `board`.

    Each layer has cores of its own, as few as hold it when it is cut evenly: a lower bound where limits are not
    public, and more than needed where small layers could share a core.
    """
    network = layers(graph)
    chips = chip.chips_on(board)
    use = network_use(network, chip, chips)
    needs = tuple(_layer(network.neurons[name], cores) for name, cores in use.layers.items())
    every = dict.fromkeys(core for cores in use.layers.values() for core in cores)
    limit = chips * chip.chip.cores.value
    return ChipNeed(chip.id, needs, use.cores, limit, chip.not_checked, use.problems, tuple(every))


def _layer(layer: Layer, cores: tuple[CoreUse, ...]) -> LayerNeed:
    uses = tuple(
        max(same, key=lambda use: use.used) for same in zip(*(core.uses for core in cores), strict=True)
    )
    return LayerNeed(
        layer=layer.name,
        neurons=layer.neurons,
        synapses=sum(group.connections for group in layer.groups),
        weight_bits=max((group.bits for group in layer.groups), default=2),
        cores=len(cores),
        binding=max(uses, key=lambda use: use.share or 0.0).resource.replace("_", " "),
        uses=uses,
    )


def connections(op: IntSynapses, shape: Shape) -> int:
    """Connections of one group into neurons of `shape`: a shared weight counts at every place."""
    return prod(shape) * int(op.weight_q[0].size)


def weight_bits(weight_q: np.ndarray[tuple[int, ...], np.dtype[np.int8]]) -> int:
    """Fewest bits, 2 or more, of a signed weight that hold every weight."""
    return max(2, signed_bits(weight_q))


@dataclass(frozen=True, slots=True)
class Fit:
    """Integer graph -> the same graph, checked.

    1. Each layer is cut evenly into as few cores as hold it, every resource counted exactly (`neurodeploy.resources`).
    2. All layers together must not need more cores than the chip has, or all chips of the board.
    """

    name: ClassVar[str] = "fit"
    chip: Chip
    board: str | None = None

    def apply(self, graph: Graph, notes: Notes) -> Graph:
        """See the class; raises `FitError` with the layer, the resource, its numbers and what to change."""
        need = chip_need(graph, self.chip, self.board)
        if not need.fits:
            raise FitError("; ".join(need.problems))
        notes.append(
            Note("network", f"fits: at least {need.cores} of {need.cores_limit} cores of {need.chip}")
        )
        return graph
