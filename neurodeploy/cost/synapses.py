"""The way of spikes from the cores of one layer to the synapse lists of the cores of another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np
import numpy.typing as npt

from neurodeploy.chip import Chip
from neurodeploy.cost.placement import Placement
from neurodeploy.ir.convolution import convolve
from neurodeploy.resources import Group, Layers, Part
from neurodeploy.resources.fan import fan_out
from neurodeploy.resources.words import is_sparse

Mask = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]
Kind = Literal["dense", "sparse", "conv"]


@dataclass(frozen=True, slots=True, eq=False)
class Destination:
    """A part that takes spikes: which source neurons reach it, and the entries that each makes it read `(source,)`."""

    part: Part
    reached: Mask
    listed: Counts


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """One group of synapses on placed cores.

    `destinations`: core and what arrives there; `origins`: core and, of each source neuron on it, the number of cores
    that a spike of it goes to, 0 for neurons on other cores.
    """

    group: Group
    kind: Kind
    destinations: tuple[tuple[int, Destination], ...]
    origins: tuple[tuple[int, Counts], ...]

    def receives(self, active: npt.NDArray[np.float32]) -> Mask:
        """Which target neurons get input `(T, N, neurons)` from sources active `(T, N, source)`."""
        group, lead = self.group, active.shape[:2]
        present = group.present.astype(np.float32)
        if group.windows is not None:
            x = active.reshape(-1, *group.source_shape)
            sums = convolve(np.ascontiguousarray(x), present, group.windows, group.groups)
        elif self.kind == "dense":
            return self._dense_receives(active)
        else:
            sums = active.reshape(-1, present.shape[1]) @ present.T
        return sums.reshape(*lead, -1) > 0

    def _dense_receives(self, active: npt.NDArray[np.float32]) -> Mask:
        """A dense list has an entry, maybe 0, for every neuron of a part."""
        found = np.zeros((*active.shape[:2], *self.group.target), np.bool_)
        for _, there in self.destinations:
            hit = active @ there.reached.astype(np.float32) > 0
            found[:, :, there.part.slices[0]] = hit[..., np.newaxis]
        return found


def paths(network: Layers, chip: Chip, placement: Placement) -> Mapping[str, tuple[Path, ...]]:
    """The groups of synapses into every layer, as they are placed."""
    return {
        name: tuple(_path(group, chip, placement, name) for group in layer.groups)
        for name, layer in network.neurons.items()
    }


def _path(group: Group, chip: Chip, placement: Placement, layer: str) -> Path:
    parts = list(placement.parts(layer))
    kind = kind_of(group, chip, [part for _, part in parts])
    destinations = tuple((core, _destination(group, part, kind)) for core, part in parts)
    cores = np.zeros(prod(group.source_shape), np.int64)
    for _, there in destinations:
        cores += there.reached
    origins = tuple((core, _only(part, group, cores)) for core, part in placement.parts(group.source))
    return Path(group, kind, destinations, origins)


def kind_of(group: Group, chip: Chip, parts: list[Part]) -> Kind:
    """How a group is stored: 'conv' where kernels are shared, 'sparse' where an index a synapse takes less memory."""
    if group.windows is not None and chip.synapse.sharing.value:
        return "conv"
    blocks = chip.synapse.blocks
    sparse = blocks is not None and any(is_sparse(group, part.box, blocks) for part in parts)
    return "sparse" if sparse or group.windows is not None else "dense"


def _destination(group: Group, part: Part, kind: Kind) -> Destination:
    fan = fan_out(group, part.box).reshape(-1)
    reached = fan > 0
    return Destination(part, reached, np.where(reached, part.neurons, 0) if kind == "dense" else fan)


def _only(part: Part, group: Group, cores: Counts) -> Counts:
    mine = np.zeros(group.source_shape, np.bool_)
    mine[part.slices] = True
    return np.where(mine.reshape(-1), cores, 0)
