"""Convolutions as sparse matrices: every connection with its weight, for Lava's Sparse process."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.ir import IntConv, Shape
from neurodeploy.ir.convolution import slide


def sparse_weights(op: IntConv, shape: Shape) -> Any:
    """The `scipy.sparse.csr_matrix` `(out, in)` int32 of a convolution of inputs of `shape`, both flattened.

    Connections from padding and those of weight 0 are left out.
    """
    from scipy.sparse import csr_matrix

    sources = _sources(op, shape)
    groups, places, fan_in = sources.shape
    weights = op.weight_q.reshape(groups, -1, 1, fan_in).astype(np.int32)
    weights, sources = np.broadcast_arrays(weights, sources[:, np.newaxis])  # (group, out, place, fan in)
    rows = np.broadcast_to(np.arange(len(op.weight_q) * places).reshape(groups, -1, places, 1), weights.shape)
    present = (weights != 0) & (sources >= 0)
    entries = weights[present], (rows[present], sources[present])
    return csr_matrix(entries, shape=(len(op.weight_q) * places, prod(shape)), dtype=np.int32)


def _sources(op: IntConv, shape: Shape) -> npt.NDArray[np.int64]:
    """Flat index of the input behind each kernel element, -1 for padding: `(group, place, fan in)`."""
    numbers = np.arange(1, prod(shape) + 1).reshape(1, *shape)
    seen = slide(numbers, op.windows)[0]  # (in, *places, *kernel)
    axes = len(op.windows.kernel)
    places, kernel = prod(seen.shape[1 : 1 + axes]), prod(op.windows.kernel)
    by_group = seen.reshape(op.groups, -1, places, kernel).swapaxes(1, 2)
    sources: npt.NDArray[np.int64] = by_group.reshape(op.groups, places, -1) - 1
    return sources
