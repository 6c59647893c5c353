"""Exact counts of what a network uses of a chip: neurons, synapse memory, axons, settings, a core at a time.

`Resources(layers(graph), chip)` counts for any part of any layer; `fewest_cores` cuts every layer evenly into as few
cores as hold it.
"""

from neurodeploy.resources.axons import out_axons
from neurodeploy.resources.core import RESOURCES, CoreUse, Resources, Use
from neurodeploy.resources.layers import Group, Layer, Layers, layers
from neurodeploy.resources.network import NetworkUse, network_use
from neurodeploy.resources.partition import fewest_cores
from neurodeploy.resources.parts import Box, Part, split, whole

__all__ = [
    "RESOURCES",
    "Box",
    "CoreUse",
    "Group",
    "Layer",
    "Layers",
    "NetworkUse",
    "Part",
    "Resources",
    "Use",
    "fewest_cores",
    "layers",
    "network_use",
    "out_axons",
    "split",
    "whole",
]
