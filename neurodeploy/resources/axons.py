"""Output axons of the parts of a layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from neurodeploy.resources.core import Mask, Resources
from neurodeploy.resources.fan import Window
from neurodeploy.resources.layers import Group
from neurodeploy.resources.parts import Part, even, per_part

Slots = npt.NDArray[np.int64]


class Reached(NamedTuple):
    """Places, the neurons at them that reach a part `(channels, *places)`, and of how many parts that is so."""

    window: Window
    mask: Mask
    times: int


def out_axons(resources: Resources, part: Part, destinations: Mapping[str, Iterable[Part]]) -> int:
    """Output axons of one part: its neurons (places, where spikes come from populations) with a synapse into each part
    of the layers that take its spikes; `destinations` are the parts by layer, each on a core of its own.
    """
    found = 0
    for layer, group in resources.network.users(part.layer):
        found += sum(
            resources.axons_between(group, part, there) for there in destinations.get(layer.name, ())
        )
    return found


@dataclass(frozen=True, slots=True, eq=False)
class OutAxons:
    """The same for all parts of one layer at once and any grid that cuts it, by sums along the axes.

    A neuron takes an axon for each part that it reaches. With population spikes the neurons at one place of a part take
    `Resources.out_slots` together for each part that one of them reaches.
    """

    resources: Resources
    layer: str
    destinations: Mapping[str, Sequence[Part]]
    _slots: dict[tuple[str, int], Slots] = field(default_factory=dict)
    _seen: dict[str, list[Reached]] = field(default_factory=dict)

    def of(self, grid: tuple[int, ...]) -> Slots:
        """Output axons of every part: int64 of the grid's shape."""
        found = np.zeros(grid, np.int64)
        for user, group in self.resources.network.users(self.layer):
            if parts := self.destinations.get(user.name, ()):
                found += per_part(self._group(group, parts, grid[0]), grid)
        return found

    def within(self, grid: tuple[int, ...], limit: int) -> bool:
        """Whether every part has at most `limit`.

        The parts of a cut into single channels are counted first: parts with more channels need no fewer, so that one
        count refuses every grid with the same places.
        """
        single = (self.resources.network.neurons[self.layer].shape[0], *grid[1:])
        return int(self.of(single).max()) <= limit and int(self.of(grid).max()) <= limit

    def _group(self, group: Group, parts: Sequence[Part], pieces: int) -> Slots:
        """Axons by neuron; those of a population spike are counted at the first channel of its piece."""
        populations = self.resources.takes_populations(group)
        key = (group.name, pieces if populations else 1)
        if key not in self._slots:
            count = self._populations if populations else self._neurons
            self._slots[key] = count(group, parts, pieces)
        return self._slots[key]

    def _neurons(self, group: Group, parts: Sequence[Part], _: int) -> Slots:
        found = np.zeros(group.source_shape, np.int64)
        for window, reached, times in self._reached(group, parts):
            found[(slice(None), *window)] += reached * times
        return found

    def _populations(self, group: Group, parts: Sequence[Part], pieces: int) -> Slots:
        starts = [begin for begin, _ in even(group.source_shape[0], pieces)]
        found = np.zeros((len(starts), *group.source_shape[1:]), np.int64)
        for window, reached, times in self._reached(group, parts):
            found[(slice(None), *window)] += np.logical_or.reduceat(reached, starts, axis=0) * times
        by_neuron = np.zeros(group.source_shape, np.int64)
        by_neuron[starts] = found * self.resources.out_slots(group)
        return by_neuron

    def _reached(self, group: Group, parts: Sequence[Part]) -> list[Reached]:
        """What the parts see: parts that the same neurons reach, as those of other channels, are one with a number."""
        if group.name not in self._seen:
            found: dict[tuple[object, ...], Reached] = {}
            for part in parts:
                window, mask = self.resources.reached(group, part)
                key = (*((one.start, one.stop) for one in window), mask.tobytes())
                found[key] = Reached(window, mask, 1 + (found[key].times if key in found else 0))
            self._seen[group.name] = list(found.values())
        return self._seen[group.name]
