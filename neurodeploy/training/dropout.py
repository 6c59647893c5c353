"""Neurons that take no part in a batch, the same over all of its time steps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from neurodeploy.training.masks import Masks
from neurodeploy.training.structure import Network


@dataclass(frozen=True, slots=True)
class Dropped:
    """y = h; learning from a batch with `Masks` replaces it."""

    probability: float

    def apply(self, h: torch.Tensor) -> torch.Tensor:
        """h itself."""
        return h

    def back(self, gradient: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """The gradient itself."""
        return gradient


class Masked:
    """y = mask * h, the mask drawn for the first h and kept."""

    def __init__(self, place: int, probability: float, masks: Masks) -> None:
        self._place, self._probability, self._masks = place, probability, masks
        self._mask: torch.Tensor | None = None

    def apply(self, h: torch.Tensor) -> torch.Tensor:
        """mask * h."""
        if self._mask is None:
            self._mask = self._masks.draw(self._place, self._probability, h)
        return h * self._mask

    def back(self, gradient: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """mask * gradient."""
        if self._mask is None:
            raise RuntimeError("no spikes have passed")
        return gradient * self._mask


def masked(network: Network, masks: Masks | None) -> Network:
    """The network for one batch: its dropped neurons masked, where there are masks."""
    places = network.of(Dropped)
    if masks is None or not places:
        return network
    nodes = list(network.nodes)
    for i in places:
        op = nodes[i].op
        if isinstance(op, Dropped) and op.probability:
            nodes[i] = replace(nodes[i], op=Masked(i, op.probability, masks))
    return Network(tuple(nodes))
