"""Weight updates of learning: counted by a learning run, spread over the cores that hold the synapses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.chip import Chip
from neurodeploy.cost.placement import Placement
from neurodeploy.cost.terms import Cost, priced
from neurodeploy.errors import UsageError
from neurodeploy.resources import Layers

Updates = Mapping[str, float]
"""Weight updates of one sample, by the name of the group of synapses that learns."""


def weight_updates(learning: Mapping[str, Any]) -> dict[str, float]:
    """Weight updates a sample by synapse group, from the record of a learning run (`LearningOutcome.record`, or
    `Network.learning` of a learned artefact).

    One is counted for every synapse and update whose accumulator was not 0 (`asked` of `LayerStatistics`), whether the
    rounded weight changed or not: the chip computes it in both cases. The mean is over the samples learned from.

    Raises `UsageError` for a record without counts, as of a back end that does not count.
    """
    statistics, samples = learning.get("statistics"), learning.get("samples")
    if not statistics or not samples:
        raise UsageError(
            "the learning record holds no counts of weight updates; learn with --backend engine, which counts them"
        )
    return {name: one["asked"] / samples for name, one in statistics.items()}


def weight_update_cost(updates: Updates, chip: Chip) -> Cost:
    """Energy of all weight updates of a sample with its source; `joules` is None where the chip's is not public."""
    return priced("weight_update", "learning", sum(updates.values()), chip)


def updates_by_core(updates: Updates, network: Layers, placement: Placement) -> npt.NDArray[np.float64]:
    """Weight updates of a sample on every core `(cores,)`: those of a group are spread evenly over the neurons that it
    leads to, since synapses are stored with the neuron behind them.

    Raises `UsageError` for a name that is no group of synapses of the network.
    """
    behind = {group.name: layer for layer in network.neurons.values() for group in layer.groups}
    found = np.zeros(len(placement.cores))
    for name, count in updates.items():
        if name not in behind:
            raise UsageError(
                f"weight updates are given for '{name}'; the groups of synapses are {', '.join(behind)}"
            )
        for core, part in placement.parts(behind[name].name):
            found[core] += count * part.neurons / behind[name].neurons
    return found
