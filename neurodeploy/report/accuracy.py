"""Accuracy with what it is worth: intervals, the change between two networks, time steps, confusions."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import IntArray

Z95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""
MOST_CONFUSED = 10


def wilson(correct: int, samples: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927): holds its promise near 0 and 1 and for few samples.

    (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)
    """
    p, z2 = correct / samples, Z95 * Z95 / samples
    middle, half = p + z2 / 2, Z95 * sqrt(p * (1 - p) / samples + z2 / (4 * samples))
    return max(0.0, (middle - half) / (1 + z2)), min(1.0, (middle + half) / (1 + z2))


def share(right: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Accuracy of one network with its interval; `right` `(N,)`."""
    correct, samples = int(right.sum()), len(right)
    low, high = wilson(correct, samples)
    return {"accuracy": correct / samples, "correct": correct, "samples": samples, "low": low, "high": high}


def change(integer: IntArray, floats: IntArray, labels: IntArray) -> dict[str, Any]:
    """Accuracy of the integer network minus that of the float one, on the same samples, in points.

    `better` and `worse` count samples that only the integer network, or only the float one, gets right. The
    95 % interval is that of Agresti and Min (Statistics in Medicine 24, 2005) for matched pairs: half a
    sample is added to each of the four cells, then difference -+ z sqrt(b + c - (b - c)^2 / n) / n.
    """
    right, was_right = integer == labels, floats == labels
    better, worse = int((right & ~was_right).sum()), int((was_right & ~right).sum())
    b, c, n = better + 0.5, worse + 0.5, len(labels) + 2
    middle, half = (b - c) / n, Z95 * sqrt(b + c - (b - c) ** 2 / n) / n
    return {
        "points": 100 * (better - worse) / len(labels),
        "low": 100 * max(-1.0, middle - half),
        "high": 100 * min(1.0, middle + half),
        "better": better,
        "worse": worse,
        "predictions_differ": int((integer != floats).sum()),
    }


def by_step(integer: IntArray, floats: IntArray | None, labels: IntArray) -> list[dict[str, Any]]:
    """Accuracy from the first t steps, t = 1..T; predictions `(T, N)`."""
    return [
        {
            "steps": t + 1,
            "integer": share(integer[t] == labels),
            "float": None if floats is None else share(floats[t] == labels),
        }
        for t in range(len(integer))
    ]


def confusion(prediction: IntArray, labels: IntArray, classes: int) -> dict[str, Any]:
    """`counts[true][predicted]`, and the most frequent confusions."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, prediction), 1)
    wrong = counts - np.diag(np.diag(counts))
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_CONFUSED]
    pairs = [(int(i), int(j)) for i, j in zip(*np.unravel_index(order, wrong.shape), strict=True)]
    most = [{"true": i, "predicted": j, "samples": int(wrong[i, j])} for i, j in pairs if wrong[i, j]]
    return {"classes": classes, "counts": counts.tolist(), "most": most}
