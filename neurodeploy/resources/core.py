"""What the parts on one core use of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.chip import Chip
from neurodeploy.ir import Shape
from neurodeploy.resources.fan import Window, fan_out, fan_out_seen, windows_seen
from neurodeploy.resources.layers import Group, Layer, Layers
from neurodeploy.resources.parts import Box, Part
from neurodeploy.resources.words import discrete_words, packed_bytes, shared_words

Mask = npt.NDArray[np.bool_]
RESOURCES = (
    "neurons",
    "synapse_memory",
    "in_axons",
    "out_axons",
    "neuron_settings",
    "threshold_settings",
)
"""Everything of a core that can run out, under the names of `CoreLimits`."""


@dataclass(frozen=True, slots=True)
class Use:
    """How much of one resource is used; `limit` None where it is not public."""

    resource: str
    used: int
    limit: int | None

    @property
    def share(self) -> float | None:
        """Used part of the limit."""
        return None if self.limit is None else self.used / self.limit

    @property
    def fits(self) -> bool:
        """False when it is over a limit that is known."""
        return self.limit is None or self.used <= self.limit


@dataclass(frozen=True, slots=True)
class CoreUse:
    """One core: what it holds and what that uses. `out_axons` are counted once destinations are known."""

    parts: tuple[Part, ...]
    uses: tuple[Use, ...]

    @property
    def fits(self) -> bool:
        """True when no known limit is exceeded."""
        return all(use.fits for use in self.uses)

    @property
    def binding(self) -> Use:
        """The resource of which the largest part is used; the first of `RESOURCES` among equals."""
        return max(self.uses, key=lambda use: use.share or 0.0)

    def use(self, resource: str) -> Use:
        """One of them."""
        return next(use for use in self.uses if use.resource == resource)


@dataclass(frozen=True, slots=True, eq=False)
class Resources:
    """Exact counts for parts of one network on the cores of one chip; counts of a part are kept.

    - neurons: compartments, several for a neuron that resets by subtraction where the chip says so;
    - synapse memory: bytes, by the chip's packing (`neurodeploy.resources.words`);
    - input axons: source neurons, or places with population spikes, that have a synapse into the part;
    - output axons: neurons, or places, of the part with a synapse into another core, once for each core and group;
    - settings: different (decays, refractory time), and different thresholds, of the part's neurons.
    """

    network: Layers
    chip: Chip
    _known: dict[Part, dict[str, int]] = field(default_factory=dict)
    _reached: dict[tuple[str, Part], tuple[Window, Mask]] = field(default_factory=dict)

    def core(self, parts: Iterable[Part], out_axons: int = 0) -> CoreUse:
        """What `parts` use of one core together."""
        held = tuple(parts)
        counts = [self.part(part) for part in held]
        uses = [Use(r, sum(one[r] for one in counts), self._limit(r)) for r in RESOURCES if r != "out_axons"]
        uses.insert(RESOURCES.index("out_axons"), Use("out_axons", out_axons, self._limit("out_axons")))
        return CoreUse(held, tuple(uses))

    def part(self, part: Part) -> dict[str, int]:
        """Counts of one part, without its output axons."""
        if part not in self._known:
            self._known[part] = self._count(part)
        return self._known[part]

    def reached(self, group: Group, part: Part) -> tuple[Window, Mask]:
        """The source places that `part` sees, and which neurons at them have a synapse into it: bool
        `(channels, *places)`.
        """
        key = (group.name, part)
        if key not in self._reached:
            window, fan = fan_out_seen(group, part.box)
            self._reached[key] = (window, fan > 0)
        return self._reached[key]

    def is_shared(self, group: Group) -> bool:
        """True where places share the lists of a convolution and spikes come from populations."""
        return group.windows is not None and self.chip.synapse.sharing.value

    def takes_populations(self, group: Group) -> bool:
        """True where the spikes of a map come as population spikes: one axon for a place, the channel in the spike.

        So for convolutions, and for fully connected synapses behind a map (nengo-loihi, block.py: an axon with
        population weights has a list for each of its atoms, whatever their weights are).
        """
        return self.chip.synapse.sharing.value and len(group.source_shape) > 1

    def out_slots(self, group: Group) -> int:
        """Entries of the table of output axons that an axon takes: more for one with populations (nengo-loihi,
        block.py: 2 of 32 bits). In the table of input axons each takes one.
        """
        blocks = self.chip.synapse.blocks
        return (
            blocks.population_out_slots.value if blocks is not None and self.takes_populations(group) else 1
        )

    def compartments(self, layer: Layer) -> int:
        """Of one neuron: several where it resets by subtraction and the chip says so."""
        return self.chip.neuron.subtract_compartments.value if layer.reset == "subtract" else 1

    def _limit(self, resource: str) -> int | None:
        found: int | None = getattr(self.chip.core, resource).value
        return found

    def _count(self, part: Part) -> dict[str, int]:
        layer = self.network.neurons[part.layer]
        memory, axons = 0, 0
        for group in layer.groups:
            took, slots = self._group(group, part.box)
            memory, axons = memory + took, axons + slots
        return {
            "neurons": part.neurons * self.compartments(layer),
            "synapse_memory": memory,
            "in_axons": axons,
            "neuron_settings": _different(layer.settings, layer.shape, part),
            "threshold_settings": _different((layer.thresholds,), layer.shape, part),
        }

    def _axons(self, group: Group, reached: Mask) -> int:
        """Axons for source neurons, or for places of a map with population spikes."""
        if not self.takes_populations(group):
            return int(np.count_nonzero(reached))
        return int(np.count_nonzero(reached.any(axis=0)))

    def axons_between(self, group: Group, part: Part, destination: Part) -> int:
        """Output axons of `part` for a part of another layer on another core."""
        every = np.zeros(group.source_shape, np.bool_)
        window, reached = self.reached(group, destination)
        every[(slice(None), *window)] = reached
        return self._axons(group, every[part.slices]) * self.out_slots(group)

    def _group(self, group: Group, box: Box) -> tuple[int, int]:
        """Bytes and input axons of one group."""
        blocks = self.chip.synapse.blocks
        if blocks is not None and self.is_shared(group):
            places = prod(int(count.sum()) for _, count in windows_seen(group, box))
            words = shared_words(group, box, blocks)
            return words * blocks.word_bits.value // 8, places
        fan = fan_out(group, box)
        axons = self._axons(group, fan > 0)
        if blocks is None:
            return packed_bytes(group, box, self.chip.synapse.sharing.value), axons
        return discrete_words(group, box, fan, blocks).words * blocks.word_bits.value // 8, axons


def _different(arrays: tuple[npt.NDArray[Any], ...], shape: Shape, part: Part) -> int:
    """How many different combinations of values the neurons of a part have."""
    varying = [a for a in arrays if a.ndim]
    if not varying:
        return 1
    columns = [np.broadcast_to(a, shape)[part.slices].ravel() for a in varying]
    return len(np.unique(np.stack(columns), axis=1).T)
