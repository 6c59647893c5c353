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
    activity = None
    if data is not None and (not data.time_axis or data.steps == network.steps):
        few = data.limit(min(SAMPLES, len(data)))
        activity = measured_activity(network, network.stimulus(few.time_first, time_axis=few.time_axis))
    found = map_network(layers(network.graph), chip, activity, board=board)
    what = f"mapped to {len(found.cores)} cores on {found.chips} of {chip.id}; activity {found.activity}"
    return replace(
        network,
        notes=(*network.notes, Note("network", what)),
        provenance={**network.provenance, "mapping": found.to_dict()},
    )
