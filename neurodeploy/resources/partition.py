"""Cutting every layer evenly into as few cores as hold it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from math import ceil, prod

from neurodeploy.errors import FitError
from neurodeploy.resources.axons import OutAxons, out_axons
from neurodeploy.resources.core import CoreUse, Resources, Use
from neurodeploy.resources.layers import Layer
from neurodeploy.resources.parts import Part, grids, largest_piece, middle_of_largest, split

Grid = tuple[int, ...]
PASSES = 4
"""How often the layers are cut again while recurrent destinations change."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A layer cut by a grid."""

    grid: Grid
    parts: tuple[Part, ...]


def fewest_cores(resources: Resources) -> dict[str, tuple[CoreUse, ...]]:
    """Every layer cut by an even grid into the fewest cores that hold its parts, one part a core.

    Layers are cut from the last to the first, as output axons depend on the cores behind. Raises `FitError` for a
    layer of which no core can hold a single neuron.
    """
    done: dict[str, Cut] = {}
    for _ in range(PASSES):
        before = dict(done)
        for name in reversed(list(resources.network.neurons)):
            done[name] = _cut(resources, resources.network.neurons[name], done)
        if done == before:
            break
    order = resources.network.neurons
    return {name: tuple(_uses(resources, name, done)) for name in order}


def _uses(resources: Resources, name: str, done: Mapping[str, Cut]) -> Iterator[CoreUse]:
    axons = OutAxons(resources, name, _parts(done)).of(done[name].grid)
    for part, sent in zip(done[name].parts, axons.ravel().tolist(), strict=True):
        yield resources.core([part], sent)


def _parts(done: Mapping[str, Cut]) -> dict[str, tuple[Part, ...]]:
    return {name: cut.parts for name, cut in done.items()}


def _cut(resources: Resources, layer: Layer, done: Mapping[str, Cut]) -> Cut:
    require_one(resources, layer, _parts(done))
    least = len(done[layer.name].parts) if layer.name in done else _least(resources, layer)
    axons = OutAxons(resources, layer.name, _parts(done))
    every = (grid for parts in count(least) for grid in grids(layer.shape, parts))
    return next(
        Cut(grid, split(layer.name, layer.shape, grid)) for grid in every if _fits(axons, layer, grid)
    )


def _fits(axons: OutAxons, layer: Layer, grid: Grid) -> bool:
    """Whether every part fits a core: what is counted fast first, then the part likeliest not to fit, then all."""
    resources, limit = axons.resources, axons.resources.chip.core.out_axons.value
    neurons = prod(largest_piece(layer.shape, grid)) * resources.compartments(layer)
    if neurons > resources.chip.core.neurons.value:
        return False
    hardest = middle_of_largest(layer.name, layer.shape, grid)
    if not resources.core([hardest]).fits or (limit is not None and not axons.within(grid, limit)):
        return False
    return all(resources.core([part]).fits for part in split(layer.name, layer.shape, grid))


def _least(resources: Resources, layer: Layer) -> int:
    """No fewer cores can hold the neurons."""
    return ceil(layer.neurons * resources.compartments(layer) / resources.chip.core.neurons.value)


def require_one(resources: Resources, layer: Layer, done: Mapping[str, Sequence[Part]]) -> None:
    """Refuse a layer of which one neuron alone is too much."""
    middle = Part(layer.name, tuple((n // 2, n // 2 + 1) for n in layer.shape))
    for use in resources.core([middle], out_axons(resources, middle, done)).uses:
        if not use.fits:
            raise FitError(too_much(layer.name, use, resources.chip.id))


def too_much(layer: str, use: Use, chip: str) -> str:
    """The message for a layer that no core can hold."""
    limit = use.limit or 0
    return (
        f"layer '{layer}': one neuron alone needs {use.used} {use.resource.replace('_', ' ')}; a core of {chip} "
        f"has {limit} ({use.used - limit} over), so that no split helps. {REMEDIES[use.resource]}"
    )


REMEDIES = {
    "neurons": "Use fewer or smaller layers, or reset to zero where a reset by subtraction takes two compartments",
    "synapse_memory": "Try fewer --bits, prune weights to 0, or a smaller layer",
    "in_axons": "Give each neuron fewer inputs: a convolution, a pool, or pruned weights",
    "out_axons": "Let each neuron reach fewer cores: a smaller next layer, fewer --bits, or a convolution",
    "neuron_settings": "Let neurons of a layer share decays and refractory time",
    "threshold_settings": "Let neurons of a layer share a threshold",
}
"""What to change, by the resource that is short."""
