"""How good a network is, in float."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch

from neurodeploy.data import Dataset, check_labels
from neurodeploy.training.reading import network_of
from neurodeploy.training.rule import Batch, Learner
from neurodeploy.training.rules import check_steps
from neurodeploy.training.votes import count_votes

BATCH_SIZE = 500


@torch.no_grad()
def predict(
    module: torch.nn.Module, dataset: Dataset, steps: int, learner: Learner | None = None
) -> torch.Tensor:
    """Predicted class of every sample, int64 `(N,)`: that with the most votes.

    Votes are the outputs summed over time, or those of a `learner` whose network counts otherwise. Raises
    `UsageError` where `dataset` has another number of time steps than `steps`.
    """
    return torch.cat([votes.argmax(1).cpu() for votes in _votes(module, dataset, steps, learner)])


@torch.no_grad()
def accuracy(module: torch.nn.Module, dataset: Dataset, steps: int, learner: Learner | None = None) -> float:
    """Share of samples predicted right, 0..1, running `steps` time steps; see `predict`.

    Raises `InputError` where the labels are missing or do not fit the network's outputs.
    """
    return count_right(module, dataset, steps, learner) / len(dataset)


@torch.no_grad()
def count_right(module: torch.nn.Module, dataset: Dataset, steps: int, learner: Learner | None = None) -> int:
    """Number of samples predicted right; see `accuracy`."""
    classes = next(_votes(module, dataset.limit(1), steps, learner)).shape[1]
    labels = check_labels(dataset, classes)
    return int((predict(module, dataset, steps, learner).numpy() == labels).sum())


def _votes(
    module: torch.nn.Module, dataset: Dataset, steps: int, learner: Learner | None
) -> Iterator[torch.Tensor]:
    """Votes `(n, classes)` of one part of the data after the other."""
    check_steps(steps, dataset.steps)
    count = learner.votes if learner else partial(count_votes, network_of(module))
    device = next(module.parameters()).device
    for start in range(0, len(dataset), BATCH_SIZE):
        x = torch.tensor(dataset.x[start : start + BATCH_SIZE], device=device)
        labels = torch.empty(0, dtype=torch.int64)
        yield count(Batch(x.transpose(0, 1) if dataset.time_axis else x, labels, steps, dataset.time_axis))
