"""Descriptions of chips: TOML files in which every number carries its unit, grade, basis and source."""

from neurodeploy.chip.costs import Costs, EnergyCosts, LatencyCosts
from neurodeploy.chip.description import Chip, Entry
from neurodeploy.chip.limits import CoreLimits, SynapseLimits, WordBlocks
from neurodeploy.chip.loading import chip_names, load_chip
from neurodeploy.chip.quantity import Limit, Property, Quantity, number

__all__ = [
    "Chip",
    "CoreLimits",
    "Costs",
    "EnergyCosts",
    "Entry",
    "LatencyCosts",
    "Limit",
    "Property",
    "Quantity",
    "SynapseLimits",
    "WordBlocks",
    "chip_names",
    "load_chip",
    "number",
]
