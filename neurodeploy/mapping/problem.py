"""Network, chip and activity together: loads, limits and prices that every step of the mapper asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf, prod

import numpy as np

from neurodeploy.chip import Chip
from neurodeploy.cost.synapses import kind_of
from neurodeploy.mapping.activity import Activity, Rates
from neurodeploy.mapping.group_load import Grid, GroupLoad, grids_of
from neurodeploy.resources import Layer, Layers, Part, Resources
from neurodeploy.resources.core import RESOURCES
from neurodeploy.resources.partition import require_one
from neurodeploy.resources.parts import even, largest_piece, middle_of_largest, per_part

Grids = Mapping[str, Grid]


@dataclass(frozen=True, slots=True, eq=False)
class Option:
    """One way to cut a layer: seconds that its parts receive (of the grid's shape), the most of them, packets that
    arrive in a step, `sent` those of them that come from cores (the input is on none), joules without hops, and how
    many parts.
    """

    grid: Grid
    receiving: Rates
    busiest: float
    packets: float
    sent: float
    joules: float
    parts: int


@dataclass(slots=True, eq=False)
class Problem:
    """What is to be mapped; `cores` is the most that all chips have."""

    network: Layers
    chip: Chip
    activity: Activity
    cores: int
    resources: Resources = field(init=False)
    _loads: dict[str, GroupLoad] = field(default_factory=dict)
    _options: dict[str, list[Option]] = field(default_factory=dict)
    _fits: dict[tuple[str, Grid], bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.resources = Resources(self.network, self.chip)

    def on(self, chips: int) -> Problem:
        """The same on so many chips."""
        cores = chips * self.chip.chip.cores.value
        if cores == self.cores:
            return self
        wide = Problem(self.network, self.chip, self.activity, cores)
        wide.resources, wide._loads, wide._fits = self.resources, self._loads, self._fits
        return wide

    def joules(self, coefficient: str) -> float:
        """A coefficient of energy, 0 where it is not public."""
        found: float | None = getattr(self.chip.costs.energy, coefficient).value
        return found or 0.0

    def seconds(self, coefficient: str) -> float:
        """A coefficient of time, 0 where it is not public."""
        found: float | None = getattr(self.chip.costs.latency, coefficient).value
        return found or 0.0

    def options(self, name: str) -> list[Option]:
        """Every grid whose parts a core may hold, by what is quickly bounded; fewest parts first."""
        if name not in self._options:
            layer = self.network.neurons[name]
            require_one(self.resources, layer, {})
            found = [self._option(layer, grid) for grid in self._possible(layer)]
            self._options[name] = sorted(found, key=lambda one: (one.parts, one.packets))
        return self._options[name]

    def fits(self, name: str, grid: Grid) -> bool:
        """Whether a core holds the hardest part, output axons apart."""
        key = (name, grid)
        if key not in self._fits:
            self._fits[key] = self.resources.core([self._hardest(name, grid)]).fits
        return self._fits[key]

    def hardest_use(self, name: str, grid: Grid) -> tuple[int, ...]:
        """What the hardest part uses of each of `RESOURCES`, output axons apart."""
        core = self.resources.core([self._hardest(name, grid)])
        return tuple(core.use(resource).used for resource in RESOURCES)

    def _hardest(self, name: str, grid: Grid) -> Part:
        """The part of a grid that is likeliest not to fit."""
        return middle_of_largest(name, self.network.neurons[name].shape, grid)

    def refuse(self, name: str, grid: Grid) -> None:
        """Some part of this cut does not fit a core: the cut is not offered again."""
        self._fits[name, grid] = False

    def unknown(self, chips: int) -> tuple[str, ...]:
        """Coefficients that `joules`, `seconds`, `watts` and `barrier` count as 0 on so many chips, by path."""
        kinds = {
            self.load(layer, g.name).kind for layer in self.network.neurons.values() for g in layer.groups
        }
        synapses = tuple(f"synapse_{kind}" for kind in sorted(kinds))
        several = chips > 1
        energy = (
            "neuron_access",
            "neuron_update",
            "spike",
            *synapses,
            "packet",
            "hop_x",
            "hop_y",
            "static_power",
        )
        latency = ("neuron_access", "neuron_update", "spike", *synapses, "packet", "packet_in")
        needed = [("energy", name) for name in (*energy, *("link",) * several)]
        needed += [("latency", name) for name in (*latency, "barrier_chips" if several else "barrier")]
        costs = self.chip.costs
        return tuple(
            f"costs.{kind}.{n}" for kind, n in needed if getattr(getattr(costs, kind), n).value is None
        )

    @property
    def fixed_joules(self) -> float:
        """Energy of a step that no cut changes: neurons visited, updated, fired."""
        found = 0.0
        for name, layer in self.network.neurons.items():
            found += layer.neurons * self.joules("neuron_access")
            found += float(self.activity.updates[name].sum()) * self.joules("neuron_update")
            found += float(self.activity.spikes[name].sum()) * self.joules("spike")
        return found

    @property
    def watts(self) -> float:
        """Static power of a chip, 0 where it is not public."""
        return self.chip.costs.energy.static_power.value or 0.0

    def barrier(self, cores: int) -> float:
        """Seconds of the barrier behind a step on so many cores."""
        tiles = -(-cores // (self.chip.chip.cores_per_tile.value or 1))
        chips = -(-cores // self.chip.chip.cores.value)
        return self.chip.costs.latency.barrier_seconds(tiles, chips) or 0.0

    def hop_joules(self, cores: int) -> float:
        """Expected energy of all hops of a packet between any two of so many cores, which fill the chips' columns.

        Two places drawn from n in a row are n / 3 apart in the mean.
        """
        tiles = -(-cores // (self.chip.chip.cores_per_tile.value or 1))
        rows = self.chip.chip.mesh.value[0] if self.chip.chip.mesh.value else 1
        return (tiles / rows * self.joules("hop_x") + min(tiles, rows) * self.joules("hop_y")) / 3

    def busiest(self, cut: Mapping[str, Option]) -> float:
        """Seconds of the busiest part of a cut network."""
        grids = {name: option.grid for name, option in cut.items()}
        found = 0.0
        for name, option in cut.items():
            sending = per_part(self.sending(self.network.neurons[name], grids), option.grid)
            found = max(found, option.busiest, float(sending.max()))
        return found

    def sending(self, layer: Layer, grids: Grids) -> Rates:
        """Seconds of a step that every neuron takes its core, where the layers behind are cut as in `grids`."""
        name = layer.name
        found = np.full(layer.shape, self.seconds("neuron_access"))
        found += self.activity.updates[name] * self.seconds("neuron_update")
        found += self.activity.spikes[name] * self.seconds("spike")
        return found + self.activity.spikes[name] * self._copies(name, grids) * self.seconds("packet")

    def axons_fit(self, layer: Layer, grid: Grid, grids: Grids) -> bool:
        """Whether the output axons of every part fit, counted as `neurodeploy.resources.out_axons` does."""
        limit = self.chip.core.out_axons.value
        if limit is None:
            return True
        slots = np.zeros(layer.shape)
        for user, group in self.network.users(layer.name):
            if user.name in grids:
                slots += self._slots(self.load(user, group.name), grids[user.name], grid)
        return bool(per_part(slots, grid).max() <= limit)

    def load(self, layer: Layer, group: str) -> GroupLoad:
        """The load of one group by its name."""
        if group not in self._loads:
            found = next(one for one in layer.groups if one.name == group)
            kind = kind_of(found, self.chip, [_middle(layer)])
            self._loads[group] = GroupLoad(found, kind, self.activity.spikes[found.source])
        return self._loads[group]

    def _copies(self, name: str, grids: Grids) -> Rates:
        found = np.zeros(self.network.sources[name])
        for user, group in self.network.users(name):
            if user.name in grids:
                found += self.load(user, group.name).copies(grids[user.name])
        return found

    def _slots(self, load: GroupLoad, grid: Grid, own: Grid) -> Rates:
        """Axons by neuron; a place with population spikes counts once for each part of its channels, at the first."""
        copies = load.copies(grid)
        if not self.resources.takes_populations(load.group):
            return copies
        found = np.zeros_like(copies)
        starts = [begin for begin, _ in even(len(copies), own[0])]
        found[starts] = np.maximum.reduceat(copies, starts, axis=0) * self.resources.out_slots(load.group)
        return found

    def _possible(self, layer: Layer) -> list[Grid]:
        limits, each = self.chip.core, self.resources.compartments(layer)
        least_bits = sum(_least_bits(self, layer, group.name) for group in layer.groups)
        memory = (limits.synapse_memory.value or inf) * 8
        found = []
        for grid in grids_of(layer.shape, self.cores):
            if (
                prod(largest_piece(layer.shape, grid)) * each <= limits.neurons.value
                and least_bits / grid[0] <= memory
            ):
                found.append(grid)
        return found

    def _option(self, layer: Layer, grid: Grid) -> Option:
        receiving, packets, sent, joules = np.zeros(grid), 0.0, 0.0, 0.0
        for group in layer.groups:
            load = self.load(layer, group.name)
            arriving, entries = load.into(grid)
            receiving += arriving * self.seconds("packet_in")
            receiving += entries * self.seconds(f"synapse_{load.kind}")
            packets += float(arriving.sum())
            sent += float(arriving.sum()) * (group.source in self.network.neurons)
            joules += float(entries.sum()) * self.joules(f"synapse_{load.kind}")
        joules += sent * self.joules("packet")
        return Option(grid, receiving, float(receiving.max()), packets, sent, joules, prod(grid))


def _least_bits(problem: Problem, layer: Layer, group: str) -> float:
    """Bits of all weights of a group, each once: what all parts along the first axis hold together at least."""
    found = problem.load(layer, group).group
    stored = found.present.size if problem.chip.synapse.blocks is None else np.count_nonzero(found.present)
    return float(stored) * found.bits


def _middle(layer: Layer) -> Part:
    """One neuron in the middle and the row of channels around it: enough to see how lists are stored."""
    box = tuple((n // 2, n // 2 + 1) for n in layer.shape[1:])
    return Part(layer.name, ((0, layer.shape[0]), *box))
