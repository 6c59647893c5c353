"""The random numbers of dropout: which neurons take no part in a batch."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from neurodeploy.training.draws import generator


@dataclass(frozen=True, slots=True)
class Masks:
    """What the masks of one batch are drawn from; `own` of the `samples` of the joint batch are this process's."""

    seed: tuple[int, ...]
    samples: int
    own: slice

    def draw(self, place: int, probability: float, like: torch.Tensor) -> torch.Tensor:
        """Zeros with this probability, else 1 / (1 - probability), in the shape of `like`, for the node `place`."""
        stream = generator(*self.seed, place)
        kept = torch.rand(self.samples, *like.shape[1:], generator=stream) >= probability
        return kept[self.own].to(like) / (1 - probability)
