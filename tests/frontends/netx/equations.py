"""The fixed-point equations of slayer's layers, written out once more for whole numbers in plain Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.int64]


def decayed(x: int, d: int) -> int:
    return (1 if x >= 0 else -1) * (abs(x) * (4096 - d) >> 12)


def layer(
    x: Array,
    weight: npt.ArrayLike,
    bias: Any = 0,
    recurrent: npt.ArrayLike | None = None,
    delay: Any = 0,
    i_decay: Any = 3000,
    v_decay: Any = 500,
    threshold: int = 50,
) -> Array:
    """Spikes `(T, out)` of dense neurons for input `(T, in)`; `delay` is that of each output."""
    w = np.asarray(weight, np.int64)
    size, steps = len(w), len(x)
    back = np.zeros((size, size), np.int64) if recurrent is None else np.asarray(recurrent, np.int64)
    biases, delays, du, dv = (np.broadcast_to(p, size).tolist() for p in (bias, delay, i_decay, v_decay))
    u, v, fired = [0] * size, [0] * size, [0] * size
    spikes = np.zeros((steps, size), np.int64)
    for t in range(steps):
        current = [int(w[i] @ x[t]) + int(back[i] @ fired) for i in range(size)]
        for i in range(size):
            u[i] = decayed(u[i], du[i]) + current[i] * 64
            v[i] = decayed(v[i], dv[i]) + u[i] + biases[i] * 64
            fired[i] = int(v[i] > threshold * 64)
            v[i] = 0 if fired[i] else v[i]
        spikes[t] = fired
    return delayed(spikes, delays)


def delayed(spikes: Array, delays: Any) -> Array:
    """Each column later by its own number of steps."""
    out = np.zeros_like(spikes)
    for i, d in enumerate(np.broadcast_to(delays, spikes.shape[1]).tolist()):
        out[d:, i] = spikes[: len(spikes) - d, i] if d else spikes[:, i]
    return out


def convolution(
    x: Array, weight: Array, stride: tuple[int, int], padding: tuple[int, int], groups: int
) -> Array:
    """Sums `(T, out, h, w)` of a convolution of `(T, in, h, w)`, one product at a time."""
    out, per_group, kh, kw = weight.shape
    padded = np.pad(x, [(0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2])
    height, width = ((n - k) // s + 1 for n, k, s in zip(padded.shape[2:], (kh, kw), stride, strict=True))
    sums = np.zeros((len(x), out, height, width), np.int64)
    for o in range(out):
        first = o // (out // groups) * per_group
        for i, row, column in np.ndindex(per_group, kh, kw):
            part = padded[:, first + i, row:, column:][:, :: stride[0], :: stride[1]][:, :height, :width]
            sums[:, o] += weight[o, i, row, column] * part
    return sums
