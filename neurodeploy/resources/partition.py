"""Cutting every layer evenly into as few cores as hold it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from math import ceil

from neurodeploy.errors import FitError
from neurodeploy.resources.core import CoreUse, Resources, Use
from neurodeploy.resources.layers import Layer
from neurodeploy.resources.parts import Part, grids, split, whole

Parts = tuple[Part, ...]
PASSES = 4
"""How often the layers are cut again while recurrent destinations change."""


def out_axons(resources: Resources, part: Part, destinations: Mapping[str, Iterable[Part]]) -> int:
    """Output axons of one part: its neurons (places, where a convolution is shared) with a synapse into each part of
    the layers that take its spikes; `destinations` are the parts by layer, each on a core of its own.
    """
    found = 0
    for layer, group in resources.network.users(part.layer):
        found += sum(
            resources.axons_between(group, part, there) for there in destinations.get(layer.name, ())
        )
    return found


def fewest_cores(resources: Resources) -> dict[str, tuple[CoreUse, ...]]:
    """Every layer cut by an even grid into the fewest cores that hold its parts, one part a core.

    Layers are cut from the last to the first, as output axons depend on the cores behind. Raises `FitError` for a
    layer of which no core can hold a single neuron.
    """
    done: dict[str, Parts] = {}
    for _ in range(PASSES):
        before = dict(done)
        for name in reversed(list(resources.network.neurons)):
            done[name] = _cut(resources, resources.network.neurons[name], done)
        if done == before:
            break
    order = resources.network.neurons
    return {name: tuple(_use(resources, part, done) for part in done[name]) for name in order}


def _use(resources: Resources, part: Part, done: Mapping[str, Sequence[Part]]) -> CoreUse:
    return resources.core([part], out_axons(resources, part, done))


def _cut(resources: Resources, layer: Layer, done: Mapping[str, Parts]) -> Parts:
    require_one(resources, layer, done)
    least = len(done.get(layer.name, ())) or _least(resources, layer)
    candidates = (
        split(layer.name, layer.shape, grid) for parts in count(least) for grid in grids(layer.shape, parts)
    )
    return next(parts for parts in candidates if _all_fit(resources, parts, done))


def _all_fit(resources: Resources, parts: Parts, done: Mapping[str, Parts]) -> bool:
    """The part in the middle, which sees no border, first: it is the likeliest not to fit."""
    return all(_use(resources, part, done).fits for part in (parts[len(parts) // 2], *parts))


def _least(resources: Resources, layer: Layer) -> int:
    """No fewer cores can hold the neurons."""
    all_of_it = Part(layer.name, whole(layer.shape)).neurons
    return ceil(all_of_it * resources.compartments(layer) / resources.chip.core.neurons.value)


def require_one(resources: Resources, layer: Layer, done: Mapping[str, Parts]) -> None:
    """Refuse a layer of which one neuron alone is too much."""
    middle = Part(layer.name, tuple((n // 2, n // 2 + 1) for n in layer.shape))
    for use in _use(resources, middle, done).uses:
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
