"""Accuracy where neurons forget faster or more slowly than those that were trained."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy

import torch

from neurodeploy.data import Dataset
from neurodeploy.errors import UnsupportedError
from neurodeploy.training.evaluation import accuracy
from neurodeploy.training.neurons import LIF


def accuracy_by_decay(
    module: torch.nn.Module, dataset: Dataset, steps: int, decays: Iterable[float]
) -> dict[float, float]:
    """Share of samples predicted right, 0..1, by the decay lambda of all LIF neurons in inference.

    The weights stay those that were trained. Raises as `with_decay` and `neurodeploy.training.accuracy` do.
    """
    return {decay: accuracy(with_decay(module, decay), dataset, steps) for decay in decays}


def with_decay(module: torch.nn.Module, decay: float) -> torch.nn.Module:
    """A copy of `module` in which every LIF layer has this decay, and has forgotten its last sample.

    Raises `UsageError` for a decay outside [0, 1], `UnsupportedError` for a network without LIF layers.
    """
    changed = deepcopy(module)
    layers = [layer for layer in changed.modules() if isinstance(layer, LIF)]
    if not layers:
        raise UnsupportedError(
            "the network has no LIF layer, so there is no decay to change. Use a network of LIF neurons"
        )
    for layer in layers:
        layer.decay = LIF(decay).decay  # the layer's own check of its range
        layer.reset()
    return changed
