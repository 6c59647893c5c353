"""A float graph on a whole data set, in batches that bound the memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from neurodeploy.ir.interpreter import FloatResult, interpret

if TYPE_CHECKING:
    from neurodeploy.data import Dataset
    from neurodeploy.ir import Graph

BYTES = 1 << 28
"""Most memory for the spikes and potentials of one batch."""


def float_run(
    graph: Graph, data: Dataset, steps: int, *, trace: bool, progress: Callable[[int, int], None]
) -> FloatResult:
    """The output layer's spikes and potentials for all samples, with `trace` those of every layer.

    `progress` gets the samples done and their number after each batch.
    """
    x, parts = data.time_first, []
    for part in _batches(graph, len(data), steps):
        found = interpret(graph, x[:, part] if data.time_axis else x[part], steps, time_axis=data.time_axis)
        kept = set(found.membrane) if trace else {found.output}
        parts.append((_only(found.spikes, kept), _only(found.membrane, kept)))
        progress(min(part.stop, len(data)), len(data))
    spikes, membrane = zip(*parts, strict=True)
    return FloatResult(found.output, _joined(spikes), _joined(membrane), found.is_readout)


def _batches(graph: Graph, samples: int, steps: int) -> Iterator[slice]:
    values = 2 * steps * sum(kind.size for kind in graph.types.values())
    size = max(1, BYTES // (np.dtype(np.float32).itemsize * values))
    return (slice(start, start + size) for start in range(0, samples, size))


def _only(values: Mapping[str, npt.NDArray[Any]], names: set[str]) -> dict[str, npt.NDArray[Any]]:
    return {name: value for name, value in values.items() if name in names}


def _joined(parts: Iterable[Mapping[str, npt.NDArray[Any]]]) -> dict[str, npt.NDArray[Any]]:
    """Batches of `(T, n, *shape)` as one `(T, N, *shape)`, by layer."""
    parts = tuple(parts)
    return {name: np.concatenate([part[name] for part in parts], axis=1) for name in parts[0]}
