"""Which neurons are on which core, and where that core is on the mesh."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod

from neurodeploy.chip import Chip
from neurodeploy.errors import UnsupportedError
from neurodeploy.resources import Layers, Part, Resources, fewest_cores, split
from neurodeploy.resources.parts import grids


@dataclass(frozen=True, slots=True)
class Placement:
    """The parts on each core, in the order of the cores' numbers; an input has parts only where it is placed too.

    Core i is on tile i // cores_per_tile, which is in column tile // rows and row tile % rows. A core without parts is
    not in use. Chips stand side by side, each with so many `columns`; None: one chip, however many columns.
    """

    cores: tuple[tuple[Part, ...], ...]
    rows: int
    cores_per_tile: int
    columns: int | None = None

    def parts(self, layer: str) -> Iterator[tuple[int, Part]]:
        """The parts of one layer with the core of each."""
        for core, held in enumerate(self.cores):
            yield from ((core, part) for part in held if part.layer == layer)

    def tile(self, core: int) -> tuple[int, int]:
        """Column and row."""
        return divmod(core // self.cores_per_tile, self.rows)

    def chip(self, core: int) -> int:
        """Which chip a core is on."""
        return 0 if self.columns is None else self.tile(core)[0] // self.columns

    @property
    def used(self) -> tuple[int, ...]:
        """Cores that hold something."""
        return tuple(core for core, held in enumerate(self.cores) if held)

    @property
    def chips(self) -> int:
        """Chips with a core that is used."""
        return len({self.chip(core) for core in self.used})

    @property
    def tiles(self) -> int:
        """Tiles with a core that is used."""
        return len({core // self.cores_per_tile for core, held in enumerate(self.cores) if held})


def in_order(network: Layers, chip: Chip) -> Placement:
    """Every layer cut into the fewest cores, cores filled one after the other, one part a core.

    Raises `FitError` for a layer that no core holds, `UnsupportedError` for a chip whose network is not cut into
    cores.
    """
    if not chip.has_equal_cores:
        raise UnsupportedError(f"{chip.id} has no mesh of equal cores to place layers on")
    cut = fewest_cores(Resources(network, chip))
    cores = [core.parts for uses in cut.values() for core in uses]
    mesh, per_tile = chip.chip.mesh.value, chip.chip.cores_per_tile.value
    return Placement(tuple(cores), mesh[0] if mesh else 1, per_tile or 1)


def with_inputs(placement: Placement, network: Layers, most: int) -> Placement:
    """The same with the inputs on cores of their own, after all others, each with up to `most` of them."""
    parts = [(part,) for name in network.sources for part in _input_parts(network, name, most)]
    return replace(placement, cores=(*placement.cores, *parts))


def _input_parts(network: Layers, name: str, most: int) -> tuple[Part, ...]:
    if name in network.neurons:
        return ()
    shape = network.sources[name]
    every = (split(name, shape, grid) for n in range(1, prod(shape) + 1) for grid in grids(shape, n))
    return next(parts for parts in every if max(part.neurons for part in parts) <= most)
