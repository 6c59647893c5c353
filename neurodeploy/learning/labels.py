"""Whether data can teach a network."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import InputError
from neurodeploy.network import Network, Stimulus


def require_labels(network: Network, stimulus: Stimulus, labels: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """The labels as int64 `(N,)`; raises `InputError` unless there is one a sample, each an output neuron."""
    classes = prod(network.graph.types[network.graph.output].shape)
    if labels.shape != (stimulus.samples,):
        raise InputError(
            f"there are {labels.size} labels for {stimulus.samples} samples (shape {labels.shape})"
        )
    if labels.dtype.kind not in "iu":
        raise InputError(f"labels must be integers 0..{classes - 1}, not {labels.dtype}")
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if wrong.size:
        i = int(wrong[0])
        raise InputError(
            f"label {int(labels[i])} of sample {i} is out of range: the network has {classes} output neurons, "
            f"0..{classes - 1} ({wrong.size} such labels)"
        )
    return labels.astype(np.int64)
