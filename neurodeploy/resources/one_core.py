"""Chips that take a whole network on one core: inputs, hidden neurons, outputs and the targets of each (Xylo)."""

from __future__ import annotations

import numpy as np

from neurodeploy.chip import Chip
from neurodeploy.resources.core import CoreUse, Use
from neurodeploy.resources.fan import fan_out
from neurodeploy.resources.layers import Layer, Layers
from neurodeploy.resources.parts import Part, whole

REMEDIES = {
    "inputs": "Give the network fewer input channels",
    "hidden": "Use smaller hidden layers",
    "outputs": "Use fewer classes, or several networks",
    "fan_out": "Prune weights to 0, or use a smaller next layer",
    "driven_by_input": "Use a smaller first layer",
    "driving_output": "Use a smaller last hidden layer",
}


def one_core(network: Layers, chip: Chip) -> tuple[CoreUse, tuple[str, ...]]:
    """What the network uses, under the names of `NetworkLimits`, and what does not fit.

    Neurons that drive no other are outputs, all others hidden.
    """
    limits = chip.network
    counts = _counts(network)
    uses = tuple(Use(name, used, getattr(limits, name).value) for name, used in counts.items())
    problems = tuple(
        f"needs {use.used} {use.resource.replace('_', ' ')}; {chip.id} has {use.limit} "
        f"({use.used - (use.limit or 0)} over). {REMEDIES[use.resource]}"
        for use in uses
        if not use.fits
    )
    parts = tuple(Part(name, whole(layer.shape)) for name, layer in network.neurons.items())
    return CoreUse(parts, uses), problems


def _counts(network: Layers) -> dict[str, int]:
    last = [layer for layer in network.neurons.values() if not network.users(layer.name)]
    hidden = [layer for layer in network.neurons.values() if network.users(layer.name)]
    inputs = [name for name in network.sources if name not in network.neurons]
    return {
        "inputs": sum(int(np.prod(network.sources[name])) for name in inputs),
        "hidden": sum(layer.neurons for layer in hidden),
        "outputs": sum(layer.neurons for layer in last),
        "fan_out": max((_largest_fan(network, layer.name) for layer in hidden), default=0),
        "driven_by_input": sum(layer.neurons for layer in hidden if _driven_by(layer, inputs)),
        "driving_output": sum(layer.neurons for layer in hidden if _drives(network, layer, last)),
    }


def _largest_fan(network: Layers, source: str) -> int:
    fans = [fan_out(group, whole(layer.shape)).ravel() for layer, group in network.users(source)]
    return int(np.sum(fans, axis=0).max())


def _driven_by(layer: Layer, inputs: list[str]) -> bool:
    return any(group.source in inputs for group in layer.groups)


def _drives(network: Layers, layer: Layer, last: list[Layer]) -> bool:
    return any(user in last for user, _ in network.users(layer.name))
