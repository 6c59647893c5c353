"""The way back: what the neurons before a group of synapses get of the modulated errors behind it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.semantics.learning.columns import Columns
from neurodeploy.semantics.learning.rule import Feedback

Array = npt.NDArray[Any]


def feedback_weights(feedback: Feedback, weight: Array, random: Array) -> Array:
    """B of a group, of the shape and type of its current `weight`; `random` is that of `feedback_noise`."""
    if feedback == "symmetric":
        return weight
    return np.sign(weight) if feedback == "sign" else random.astype(weight.dtype)


def sent_back(columns: Columns, matrix: Array, modulated: Array) -> Array:
    """B^T m: `matrix` B `(..., G, out/G, K)`, `modulated` `(..., *made)` -> `(..., *given)`."""
    return columns.fold(np.swapaxes(matrix, -1, -2) @ columns.maps(modulated))
