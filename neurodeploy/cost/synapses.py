"""The way of spikes from the cores of one layer to the synapse lists of the cores of another."""

from __future__ import annotations

from dataclasses import dataclass
from types import EllipsisType
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from neurodeploy.chip import Chip
from neurodeploy.cost.placement import Placement
from neurodeploy.ir.convolution import convolve
from neurodeploy.resources import Group, Part
from neurodeploy.resources.fan import Window, fan_out, fan_out_seen
from neurodeploy.resources.words import discrete_words

Mask = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]
Kind = Literal["dense", "sparse", "conv"]
ScalarT = TypeVar("ScalarT", np.int64, np.float32, np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Destination:
    """A part that takes spikes: the source places that it sees, which neurons at them reach it, and the entries that
    each makes it read `(channels, *places)`.
    """

    part: Part
    window: Window
    reached: Mask
    listed: Counts

    def of(self, values: npt.NDArray[ScalarT]) -> npt.NDArray[ScalarT]:
        """What this part sees of `values` `(..., *source)`."""
        places: tuple[slice | EllipsisType, ...] = (..., slice(None), *self.window)
        return values[places]


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """One group of synapses on placed cores.

    `destinations`: core and what arrives there; `copies`: the number of cores that a spike of each source neuron goes
    to, of the source's shape.
    """

    group: Group
    kind: Kind
    destinations: tuple[tuple[int, Destination], ...]
    copies: Counts

    def receives(self, active: npt.NDArray[np.float32]) -> Mask:
        """Which target neurons get input `(T, N, neurons)` from sources active `(T, N, *source)`."""
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
            hit = weighed(active, there.reached) > 0
            found[:, :, there.part.slices[0]] = hit[..., np.newaxis]
        return found


def path_of(group: Group, chip: Chip, placement: Placement, layer: str) -> Path:
    """A group of synapses into `layer`, as its parts are placed."""
    parts = list(placement.parts(layer))
    kind = kind_of(group, chip, [part for _, part in parts])
    destinations = tuple((core, _destination(group, part, kind)) for core, part in parts)
    copies = np.zeros(group.source_shape, np.int64)
    for _, there in destinations:
        there.of(copies)[...] += there.reached
    return Path(group, kind, destinations, copies)


def weighed(active: npt.NDArray[np.float32], weights: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Sum over the sources of `active * weights`: `(T, N, *source)`, `(*source,)` -> `(T, N)`."""
    return active.reshape(*active.shape[:2], -1) @ weights.reshape(-1).astype(np.float32)


def kind_of(group: Group, chip: Chip, parts: list[Part]) -> Kind:
    """How a group is stored: 'conv' where kernels are shared, 'sparse' where an index a synapse takes less memory."""
    if group.windows is not None and chip.synapse.sharing.value:
        return "conv"
    blocks = chip.synapse.blocks
    sparse = blocks is not None and any(
        discrete_words(group, part.box, fan_out(group, part.box), blocks).is_sparse for part in parts
    )
    return "sparse" if sparse or group.windows is not None else "dense"


def _destination(group: Group, part: Part, kind: Kind) -> Destination:
    window, fan = fan_out_seen(group, part.box)
    reached = fan > 0
    return Destination(part, window, reached, np.where(reached, part.neurons, 0) if kind == "dense" else fan)
