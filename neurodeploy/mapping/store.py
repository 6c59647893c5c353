"""A mapping in a network's record, from which the artefact keeps it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from neurodeploy.chip import Chip
from neurodeploy.mapping.activity import measured_activity
from neurodeploy.mapping.mapper import map_network
from neurodeploy.network import Network, Note
from neurodeploy.resources import layers

if TYPE_CHECKING:
    from neurodeploy.data import Dataset

SAMPLES = 16
"""Samples whose spikes the mapper sees."""


def mapped(network: Network, chip: Chip, board: str | None = None, data: Dataset | None = None) -> Network:
    """The same network with its mapping in `provenance["mapping"]` and a note; see `map_network`.

    `data`: whose first samples say how often neurons spike; without, or where they hold other steps, it is assumed.
    """
    activity, clipped = None, ""
    if data is not None and (not data.time_axis or data.steps == network.steps):
        few = data.limit(min(SAMPLES, len(data)))
        stimulus = network.stimulus(few.time_first, time_axis=few.time_axis)
        activity = measured_activity(network, stimulus)
        if stimulus.clipped:
            clipped = f"; {stimulus.clipped} of their {few.x.size} values were clipped to the input's range"
    found = map_network(layers(network.graph), chip, activity, board=board)
    what = f"mapped to {len(found.cores)} cores on {found.chips} of {chip.id}; activity {found.activity}{clipped}"
    if found.unknown:
        what += f"; weighed without what is not public: {', '.join(found.unknown)}"
    return replace(
        network,
        notes=(*network.notes, Note("network", what)),
        provenance={**network.provenance, "mapping": found.to_dict()},
    )
