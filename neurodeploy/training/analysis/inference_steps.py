"""Accuracy against the time steps of inference, whatever number a network was trained with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import torch

from neurodeploy.data import Dataset
from neurodeploy.errors import UsageError
from neurodeploy.training.evaluation import accuracy
from neurodeploy.training.rule import Learner


def accuracy_by_steps(
    module: torch.nn.Module, dataset: Dataset, steps: Iterable[int], learner: Learner | None = None
) -> dict[int, float]:
    """Share of samples predicted right, 0..1, by number of time steps T' run.

    Votes are counted over the first T' steps, as `neurodeploy.training.accuracy` counts them (`learner` for a
    rule that counts otherwise). Static data can run longer than in training; of data with a time axis the
    first T' steps are taken, and `UsageError` is raised where they have fewer.
    """
    return {t: accuracy(module, _first(dataset, t), t, learner) for t in steps}


def _first(dataset: Dataset, steps: int) -> Dataset:
    """The data of the first steps."""
    if dataset.steps is None:
        return dataset
    if steps > dataset.steps:
        raise UsageError(
            f"{dataset.spec} has {dataset.steps} time steps, so accuracy after {steps} cannot be measured"
        )
    return replace(dataset, x=dataset.x[:, :steps])
