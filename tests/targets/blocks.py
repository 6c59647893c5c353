"""Blocks of products of bytes against NumPy's sums."""

from __future__ import annotations

import numpy as np
from numba import njit

from neurodeploy.targets.engine.compiled.dot import block
from neurodeploy.targets.engine.compiled.memory import address, aligned, buffer
from neurodeploy.targets.engine.compiled.table import INPUTS, LANES

SHAPES = ((6, 4, False), (1, 2, True))
"""Rows, vectors of neurons, listed."""
RESULTS = ((0, 5, np.int32), (3, 0, np.int64))
"""Shift to the left, to the right, and type of each."""


def check_blocks(fast: bool) -> None:
    """Blocks of several shapes, compiled now, give exact shifted sums of either type, extreme bytes included."""
    for shape, results in zip(SHAPES, RESULTS, strict=True):
        _check(fast, *shape, *results)


def _check(
    fast: bool, rows: int, vectors: int, listed: bool, left: int, right: int, T: type[np.integer]
) -> None:
    dot = block(rows, vectors, fast, listed)

    @njit
    def call(at, offsets, segments, quads, weight, start, out, step):  # type: ignore[no-untyped-def]
        dot(at, offsets, segments, quads, weight, start, left, right, out, step, T)

    rng = np.random.default_rng(0)
    segments, quads, width = 1 if listed else 3, 5, vectors * LANES
    x = rng.choice([0, 1, 127, 128, 255], (rows, segments, quads, INPUTS)).astype(np.uint8)
    w = rng.choice([-128, -1, 0, 1, 127], (segments, quads, width, INPUTS)).astype(np.int8)
    start = rng.integers(-(1 << 20), 1 << 20, width, np.int32)
    active = np.array([0, 2, 3], np.int64) if listed else np.arange(quads)
    given, weight, begin = aligned(x), aligned(w), aligned(start)
    bases = address(given) + np.arange(rows, dtype=np.int64) * x[0].size
    offsets = active if listed else np.arange(segments, dtype=np.int64) * x[0, 0].size
    out = buffer(rows * (width + 8), T, 7)
    step = (width + 8) * out.itemsize
    call(
        *(address(bases), address(offsets), segments, len(active)),
        *(address(weight), address(begin), address(out), step),
    )
    sums = np.einsum("rsqi,sqoi->ro", x[:, :, active].astype(np.int64), w[:, active].astype(np.int64))
    found = out.reshape(rows, width + 8)
    np.testing.assert_array_equal(found[:, :width], (sums + start) << left >> right)
    assert (found[:, width:] == 7).all()
