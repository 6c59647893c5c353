"""The mapper: layers to parts, parts to cores, cores to chips and to places on their meshes.

`map_network(layers(graph), chip, activity)` gives a `Mapping`; `measured_activity` counts spikes of real samples.
"""

from neurodeploy.mapping.activity import Activity, assumed_activity, measured_activity
from neurodeploy.mapping.links import Link
from neurodeploy.mapping.mapper import map_network
from neurodeploy.mapping.mapping import MappedCore, Mapping, stored_placement

__all__ = [
    "Activity",
    "Link",
    "MappedCore",
    "Mapping",
    "assumed_activity",
    "map_network",
    "measured_activity",
    "stored_placement",
]
