"""What makes a sweep say little: layers without a spike, weights that stretch the grid."""

from __future__ import annotations

from math import log2

import numpy as np

from neurodeploy.compiler import QuantConfig
from neurodeploy.data import Dataset
from neurodeploy.errors import InputError
from neurodeploy.ir import LIF, Conv, Dense, Graph
from neurodeploy.ir.interpreter import interpret
from neurodeploy.network import Note

SAMPLES = 64
"""Samples that are run before it is looked whether all layers have fired."""
OUTLIERS = 1000
"""One weight in so many, and one at least, may be an outlier."""
BITS_LOST = 2.0
"""Bits of the grid that outliers must cost to be worth a note."""


def require_spikes(graph: Graph, data: Dataset, steps: int) -> None:
    """Raise `InputError` naming the layers of neurons that never fire in a float run of the data."""
    silent = set(graph.of(LIF))
    for first in range(0, len(data), SAMPLES):
        if not silent:
            return
        part = slice(first, first + SAMPLES)
        x = data.time_first[:, part] if data.time_axis else data.time_first[part]
        spikes = interpret(graph, x, steps, time_axis=data.time_axis).spikes
        silent -= {name for name in silent if spikes[name].any()}
    if silent:
        names = ", ".join(f"'{name}'" for name in graph.names if name in silent)
        raise InputError(
            f"layer {names}: not one spike in {len(data)} calibration samples of {steps} steps ({data.spec}); what "
            "follows it would be rounded for input that never comes. Calibrate with data like those of training "
            "(--calibrate DATA), on the same scale, or raise --steps"
        )


def outliers(graph: Graph, quant: QuantConfig) -> list[Note]:
    """A note for each group whose largest few weights alone set the grid of all others.

    With the grid ending at the largest |w|, max |w| / (largest |w| but for one in 1000) = r means that log2(r) bits
    of every other weight are always 0. Noted from 2 bits on.
    """
    if quant.clip != "max":
        return []
    groups: dict[str, Dense | Conv] = {**graph.of(Dense), **graph.of(Conv)}
    return [note for name, op in groups.items() if (note := _outliers(name, np.abs(op.weight).reshape(-1)))]


def _outliers(name: str, size: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Note | None:
    few = max(1, len(size) // OUTLIERS)
    if len(size) <= few:
        return None
    usual = float(np.partition(size, -few - 1)[-few - 1])
    largest = float(size.max())
    if usual == 0.0 or log2(largest / usual) < BITS_LOST:
        return None
    beyond = int(np.count_nonzero(size > largest / 2**BITS_LOST))
    return Note(
        name,
        f"{beyond} of {len(size)} weights, up to {largest:.4g}, stretch the grid; the others reach {usual:.4g} and "
        f"lose {log2(largest / usual):.1f} bits. Try --set quant.clip=mse",
    )
