"""What one spike of each layer stands for, from the activations of real data."""

from __future__ import annotations

import numpy as np

from neurodeploy.frontends.onnx_ann.config import AnnConfig
from neurodeploy.frontends.onnx_ann.evaluate import activations
from neurodeploy.frontends.onnx_ann.relu import Relu
from neurodeploy.frontends.onnx_ann.tensors import Array
from neurodeploy.ir import Graph
from neurodeploy.network import Note

FIT_VALUES = 1 << 16
"""Most activations, evenly taken, that a least-squares scale is fitted to."""
CANDIDATES = np.geomspace(1 / 16, 1.0, 64)
"""Shares of the largest activation that are tried."""


def spike_scales(
    graph: Graph, x: Array, steps: int, config: AnnConfig
) -> tuple[dict[str, Array], list[Note]]:
    """Scale of every ReLU, without axes or `(C,)`, and a note for each; x `(N, *shape)` is calibration data."""
    scales, notes = {}, []
    for name, activation in activations(graph, x, frozenset(graph.of(Relu))).items():
        channels = np.moveaxis(activation, 1, 0).reshape(activation.shape[1], -1)
        rows = channels if config.per == "channel" else channels.reshape(1, -1)
        scale = _positive(_scale(rows, steps, config), rows)
        notes.append(Note(name, f"{_describe(scale, rows, steps, config)} over {len(x)} samples"))
        scales[name] = scale if config.per == "channel" else scale.reshape(())
    return scales, notes


def _scale(rows: Array, steps: int, config: AnnConfig) -> Array:
    if config.percentile is None:
        return least_squares(rows, steps)
    return np.percentile(rows, 100 if config.percentile == "max" else config.percentile, axis=1).astype(
        np.float64
    )


def least_squares(rows: Array, steps: int) -> Array:
    """The scale of each row of activations that T steps of spikes render best, `(len(rows),)`.

        lambda = argmin sum_a (a - clip(round(T a / lambda), 0, T) lambda / T)^2

    A small lambda clips large activations, a large one rounds all more coarsely; the fewer steps, the smaller the
    best. Source: Li et al., "A Free Lunch From ANN", ICML 2021 (its MMSE threshold).
    """
    taken = rows[:, :: -(-rows.shape[1] // FIT_VALUES)].astype(np.float64)
    largest = rows.max(axis=1).astype(np.float64)
    best, least = largest.copy(), np.full(len(rows), np.inf)
    for share in CANDIDATES:
        scale = (share * np.where(largest > 0, largest, 1.0))[:, np.newaxis]
        rendered = np.clip(np.floor(steps * taken / scale + 0.5), 0, steps) * scale / steps
        error = ((taken - rendered) ** 2).sum(axis=1)
        best, least = np.where(error < least, scale[:, 0], best), np.minimum(error, least)
    return np.where(largest > 0, best, 0.0)


def _positive(scale: Array, rows: Array) -> Array:
    """Where a scale is 0: the largest activation of its row, of the layer, or 1."""
    for instead in (rows.max(axis=1), rows.max(), 1.0):
        scale = np.where(scale > 0, scale, instead)
    return scale.astype(np.float64)


def _describe(scale: Array, rows: Array, steps: int, config: AnnConfig) -> str:
    low, high = f"{scale.min():.6g}", f"{scale.max():.6g}"
    how = (
        f"percentile {config.percentile}"
        if config.percentile is not None
        else f"least squares at {steps} steps"
    )
    if config.percentile == "max":
        how = "the maximum"
    silent = int((rows.max(axis=1) <= 0).sum()) if config.per == "channel" else int(rows.max() <= 0)
    never = f"; {silent} of {len(rows)} never active" if silent else ""
    clipped = float((rows > scale[:, np.newaxis]).mean())
    worth = low if low == high else f"{low}..{high} by channel"
    return f"ReLU becomes integrate-and-fire, a spike is worth {worth} ({how}{never}; {clipped:.2%} clipped)"
