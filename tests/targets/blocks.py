"""Blocks of products of bytes against NumPy's sums."""

from __future__ import annotations

import numpy as np
from numba import njit

from neurodeploy.targets.engine.compiled.dot import block
from neurodeploy.targets.engine.compiled.memory import address, aligned, buffer
from neurodeploy.targets.engine.compiled.table import INPUTS, LANES

SHAPES = ((6, 4, False), (2, 1, False), (1, 4, True))
"""Rows, vectors of neurons, listed."""


def check_blocks(fast: bool) -> None:
    """Blocks of several shapes, compiled now, give exact sums, extreme bytes included."""
    for rows, vectors, listed in SHAPES:
        _check(rows, vectors, listed, fast)


def _check(rows: int, vectors: int, listed: bool, fast: bool) -> None:
    dot = block(rows, vectors, fast, listed)

    @njit
    def call(at, offsets, segments, quads, weight, out):  # type: ignore[no-untyped-def]
        dot(at, offsets, segments, quads, weight, out)

    rng = np.random.default_rng(0)
    segments, quads, width = 1 if listed else 3, 5, vectors * LANES
    x = rng.choice([0, 1, 127, 128, 255], (rows, segments, quads, INPUTS)).astype(np.uint8)
    w = rng.choice([-128, -1, 0, 1, 127], (segments, quads, width, INPUTS)).astype(np.int8)
    active = np.array([0, 2, 3], np.int64) if listed else np.arange(quads)
    given, weight = aligned(x), aligned(w)
    bases = address(given) + np.arange(rows, dtype=np.int64) * x[0].size
    offsets = active if listed else np.arange(segments, dtype=np.int64) * x[0, 0].size
    out = buffer(rows * width, np.int32)
    call(address(bases), address(offsets), segments, len(active), address(weight), address(out))
    expected = np.einsum("rsqi,sqoi->ro", x[:, :, active].astype(np.int64), w[:, active].astype(np.int64))
    np.testing.assert_array_equal(out.reshape(rows, width), expected)
