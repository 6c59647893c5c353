"""What a whole network uses of a chip, by the chip's packing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from neurodeploy.chip import Chip
from neurodeploy.errors import FitError
from neurodeploy.resources.core import CoreUse, Resources
from neurodeploy.resources.layers import Layers
from neurodeploy.resources.one_core import one_core
from neurodeploy.resources.one_layer_a_core import one_layer_a_core
from neurodeploy.resources.partition import fewest_cores
from neurodeploy.resources.sharing import fewest_shared


@dataclass(frozen=True, slots=True)
class NetworkUse:
    """The cores of each layer by name, how many cores that is, and what does not fit, each with numbers and remedy.

    `cores` are the layers' own, or fewer where only shared cores make it fit.
    """

    layers: dict[str, tuple[CoreUse, ...]]
    cores: int
    problems: tuple[str, ...]


def network_use(network: Layers, chip: Chip, chips: int = 1) -> NetworkUse:
    """Count `network` on so many chips: many cores with evenly cut layers, one layer a core, or all on one core."""
    return RULES[chip.synapse.packing.value](network, chip, chips)


def _many_cores(network: Layers, chip: Chip, chips: int) -> NetworkUse:
    try:
        found = fewest_cores(Resources(network, chip))
    except FitError as error:
        return NetworkUse({}, 0, (str(error),))
    cores, limit = sum(map(len, found.values())), chips * chip.chip.cores.value
    if cores > limit:
        cores = fewest_shared([core for cores in found.values() for core in cores])
    if cores <= limit:
        return NetworkUse(found, cores, ())
    name = max(found, key=lambda layer: len(found[layer]))
    use = max((core.binding for core in found[name]), key=lambda one: one.share or 0.0)
    where = f"{chip.id} has {limit}" if chips == 1 else f"{chips} chips of {chip.id} have {limit}"
    problem = (
        f"needs {cores} cores; {where} ({cores - limit} over). Layer '{name}' needs most: "
        f"{len(found[name])} cores for {network.neurons[name].neurons} neurons, each with {use.used} of {use.limit} "
        f"{use.resource.replace('_', ' ')}, which binds. Try fewer --bits, a smaller layer or several chips (--board)"
    )
    return NetworkUse(found, cores, (problem,))


def _layer_a_core(network: Layers, chip: Chip, _: int) -> NetworkUse:
    found, problems = one_layer_a_core(network, chip)
    return NetworkUse({name: (use,) for name, use in found.items()}, len(found), problems)


def _one_core(network: Layers, chip: Chip, _: int) -> NetworkUse:
    use, problems = one_core(network, chip)
    return NetworkUse(dict.fromkeys(network.neurons, (use,)), 1, problems)


RULES: dict[str, Callable[[Layers, Chip, int], NetworkUse]] = {
    "word-blocks": _many_cores,
    "bit-packed": _many_cores,
    "one-layer-a-core": _layer_a_core,
    "one-core": _one_core,
}
"""How a network is counted, by `synapse.packing`."""
