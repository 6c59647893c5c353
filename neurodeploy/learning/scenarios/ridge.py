"""Baseline: ridge regression from the last hidden layer's spike counts to the classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import get_backend
from neurodeploy.data import Dataset, joined
from neurodeploy.learning.groups import learning_paths
from neurodeploy.learning.scenarios.course import Course
from neurodeploy.learning.scenarios.deployed import stimulus
from neurodeploy.network import Network

FloatMatrix = npt.NDArray[np.float64]
STRENGTHS = tuple(10.0**k for k in range(-2, 5))


@dataclass(frozen=True, slots=True)
class Ridge:
    """Accuracies on each held-out data, and the strength that was chosen."""

    row: list[float]
    strength: float


def ridge(network: Network, course: Course, classes: int) -> Ridge:
    """The best linear readout of the fixed hidden layer, fitted to all streams at once.

        W = argmin |[h, 1] W - onehot(y)|^2 + a |W|^2          h = spike counts (N, in), the class is the argmax

    The strength a has the least leave-one-out error on the streams (Hastie, Tibshirani, Friedman, The Elements of
    Statistical Learning, eq. 7.64).
    """
    stream = joined([lesson.stream for lesson in course.lessons])
    h, target = _counts(network, stream), np.eye(classes)[stream.labels()]
    strength = min(STRENGTHS, key=lambda a: _left_out_error(h, target, a))
    weights = _fit(h, target, strength)
    return Ridge(
        [
            float(np.mean((_counts(network, data) @ weights).argmax(axis=1) == data.labels()))
            for data in course.judged_on
        ],
        strength,
    )


def _counts(network: Network, data: Dataset) -> FloatMatrix:
    """Spikes of the last hidden layer in all steps, and a column of ones: `(N, in + 1)`."""
    (last,) = learning_paths(network, "last").learning
    traces = get_backend("engine").run(network, stimulus(network, data), trace=True).traces
    counts = traces[last.arriving].spikes.sum(axis=0).reshape(len(data), -1)
    return np.hstack([counts.astype(np.float64), np.ones((len(data), 1))])


def _fit(h: FloatMatrix, target: FloatMatrix, strength: float) -> FloatMatrix:
    return np.asarray(np.linalg.solve(h.T @ h + strength * np.eye(h.shape[1]), h.T @ target), np.float64)


def _left_out_error(h: FloatMatrix, target: FloatMatrix, strength: float) -> float:
    """Sum of squares of (y_i - f(x_i)) / (1 - S_ii), S the smoother's matrix."""
    inverse = np.linalg.inv(h.T @ h + strength * np.eye(h.shape[1]))
    leverage = np.einsum("ij,jk,ik->i", h, inverse, h, optimize=True)
    error = (target - h @ (inverse @ (h.T @ target))) / (1 - leverage)[:, None]
    return float(np.sum(error**2))
