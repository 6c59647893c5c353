"""The passes of the compiler, one file each; `run_passes` verifies the graph after every one."""

from neurodeploy.passes.base import Notes, Pass, run_passes
from neurodeploy.passes.fit import ChipNeed, Fit, LayerNeed, chip_need
from neurodeploy.passes.legalise import Legalise
from neurodeploy.passes.lower import LOWERING
from neurodeploy.passes.ranges import LayerRange, Ranges, layer_ranges
from neurodeploy.passes.same_spikes import SpikeCheck

__all__ = [
    "LOWERING",
    "ChipNeed",
    "Fit",
    "LayerNeed",
    "LayerRange",
    "Legalise",
    "Notes",
    "Pass",
    "Ranges",
    "SpikeCheck",
    "chip_need",
    "layer_ranges",
    "run_passes",
]
