"""Packets between cores in a step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from neurodeploy.mapping.activity import Activity
from neurodeploy.resources import Part, Resources

Flow = npt.NDArray[np.float64]


def packets_between(resources: Resources, activity: Activity, cores: Sequence[Sequence[Part]]) -> Flow:
    """Expected packets a step from core to core `(from, to)`: a spike goes once to each part that it reaches."""
    found = np.zeros((len(cores), len(cores)))
    places: dict[str, list[tuple[int, Part]]] = {}
    for core, held in enumerate(cores):
        for part in held:
            places.setdefault(part.layer, []).append((core, part))
    for name, layer in resources.network.neurons.items():
        for group in layer.groups:
            for core, part in places[name]:
                arriving = resources.reached(group, part) * activity.spikes[group.source]
                for origin, mine in places.get(group.source, ()):
                    found[origin, core] += arriving[mine.slices].sum()
    return found
