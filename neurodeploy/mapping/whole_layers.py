"""Chips whose cores hold whole layers, each its own (Speck), or the whole network (Xylo)."""

from __future__ import annotations

import numpy as np

from neurodeploy.chip import Chip
from neurodeploy.cost import Placement
from neurodeploy.errors import FitError
from neurodeploy.mapping.activity import Activity
from neurodeploy.mapping.flow import packets_between
from neurodeploy.mapping.links import direct_links
from neurodeploy.mapping.mapping import MappedCore, Mapping
from neurodeploy.resources import CoreUse, Layers, Part, Resources, network_use, whole
from neurodeploy.resources.one_layer_a_core import matched_cores


def map_whole_layers(network: Layers, chip: Chip, activity: Activity) -> Mapping:
    """The core of every layer by a largest matching, or all layers on core 0.

    No cost of an operation of such a chip is public: joules and seconds are 0, which `unknown` says. Raises
    `FitError` as the fit does.
    """
    use = network_use(network, chip)
    if use.problems:
        raise FitError("; ".join(use.problems))
    if chip.synapse.packing.value == "one-layer-a-core":
        numbers = matched_cores(network, chip)
    else:
        numbers = dict.fromkeys(network.neurons, 0)
    held = [
        tuple(Part(name, whole(network.neurons[name].shape)) for name in numbers if numbers[name] == core)
        for core in range(max(numbers.values()) + 1)
    ]
    grids = {name: (1,) * len(layer.shape) for name, layer in network.neurons.items()}
    flow = packets_between(Resources(network, chip), activity, held, grids)
    placement = Placement(tuple(held), 1, 1)
    tiles = np.array([placement.tile(core) for core in range(len(held))], np.int64)
    return Mapping(
        chip=chip.id,
        board=None,
        chips=1,
        objective="cores",
        activity=activity.origin,
        cuts=grids,
        placement=placement,
        cores=tuple(_core(core, placement, use.layers) for core in placement.used),
        packets=float(flow.packets[flow.origin != flow.target].sum()),
        crossings=0.0,
        links=direct_links(flow, tiles),
        joules=0.0,
        seconds=0.0,
        unknown=("costs.energy", "costs.latency"),
    )


def _core(core: int, placement: Placement, uses: dict[str, tuple[CoreUse, ...]]) -> MappedCore:
    names = tuple(part.layer for part in placement.cores[core])
    binding = uses[names[0]][0].binding
    return MappedCore(core, 0, placement.tile(core), names, 0.0, binding.resource, binding.share or 0.0)
