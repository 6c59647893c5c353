"""First weights of such a size that every layer fires at a chosen rate: a silent one would never learn.

Source: Zhu et al., NeurIPS 2022, section 5.1, and the settings of its experiments.
"""

from __future__ import annotations

from math import sqrt

import torch

from neurodeploy.errors import GateError
from neurodeploy.training.event.layers import apart
from neurodeploy.training.event.modules import effective_weight, scale_weight
from neurodeploy.training.event.neurons import respond
from neurodeploy.training.event.options import EventOptions
from neurodeploy.training.event.stages import Neurons, Passage, Stage, run_stages

SMALLEST, LARGEST, PRECISION = 0.05, 500.0, 1.001
MARGIN = 1.2
"""Spikes in the last third are this much more frequent than the average wanted, which has a silent start."""


@torch.no_grad()
def scale_to_rate(stages: tuple[Stage, ...], x: torch.Tensor, steps: int, options: EventOptions) -> None:
    """Scale the weights of each layer in turn so that `options.average_spikes` are fired per neuron.

    More exactly, in the last third of the time, from step t0 = floor(2 T / 3), the mean number of spikes per
    neuron is 1.2 * average_spikes * (T - t0) / T. x `(T or 1, N, *shape)`; weights change in place.
    Raises `GateError` where a layer stays silent.
    """

    def visit(layer: Neurons, x: torch.Tensor) -> None:
        weight = effective_weight(layer.module)
        current = apart(layer.synapses.current(x.flatten(0, 1), weight), x)
        scale_weight(layer.module, find_factor(layer, current, steps, options))

    run_stages(stages, x, Passage(steps, options, visit=visit))


def find_factor(layer: Neurons, current: torch.Tensor, steps: int, options: EventOptions) -> float:
    """The factor in [0.05, 500] by which `current` gives the wanted spikes, by binary search to a part of 1000."""
    target = target_spikes(steps, options.average_spikes)
    low, high = SMALLEST, LARGEST
    while high / low > PRECISION:
        middle = sqrt(low * high)
        if _late_spikes(layer, current * middle, steps, options) < target:
            low = middle
        else:
            high = middle
    if not _late_spikes(layer, current * high, steps, options):
        raise GateError(
            f"layer {layer.name!r} stays silent even with weights {LARGEST:g} times as large: its inputs are "
            "all zero or its weights negative. Try another --seed, or more steps"
        )
    return high


def target_spikes(steps: int, average: float) -> float:
    """Mean spikes per neuron wanted in the last third of `steps`."""
    return MARGIN * average * (steps - 2 * steps // 3) / steps


def _late_spikes(layer: Neurons, current: torch.Tensor, steps: int, options: EventOptions) -> float:
    dynamics = layer.neuron.dynamics
    fired = respond(current, steps, dynamics, options.h(dynamics)).fired
    return float(fired[2 * steps // 3 :].sum(0, dtype=current.dtype).mean())
