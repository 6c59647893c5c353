"""Which layer learns, and whether data can teach it."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.ir import IntDense
from neurodeploy.network import Network, Stimulus


@dataclass(frozen=True, slots=True)
class LearningLayerNames:
    """Names of the learning synapses, of the neurons behind them and of the spiking layer before them."""

    source: str
    synapses: str
    neurons: str


def learning_layer(network: Network) -> LearningLayerNames:
    """The last layer of synapses, which must lead from spikes straight to the output's neurons.

    Raises `UnsupportedError` where it does not.
    """
    neurons = network.graph.output
    before = network.graph.sources(neurons)
    if len(before) != 1 or not isinstance(network.graph.op(before[0]), IntDense):
        raise UnsupportedError(
            f"layer '{neurons}' has {len(before)} groups of synapses; learning needs exactly one"
        )
    source = network.graph.sources(before[0])[0]
    if network.graph.types[source].signal != "spike":
        raise UnsupportedError(
            f"layer '{before[0]}' is fed by graded values; learning needs spikes, so at least one hidden layer"
        )
    if network.graph.reaches(neurons, source):
        raise UnsupportedError(
            f"layer '{source}' depends on the output '{neurons}', whose synapses learn; learning needs hidden layers "
            "without feedback from the output"
        )
    return LearningLayerNames(source, before[0], neurons)


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
