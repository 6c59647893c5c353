"""How good a network is, in float."""

from __future__ import annotations

import torch

from neurodeploy.data import Dataset, check_labels
from neurodeploy.training.chain import Forward, chain_of
from neurodeploy.training.rules import check_steps

BATCH_SIZE = 500


@torch.no_grad()
def predict(module: torch.nn.Module, dataset: Dataset, steps: int) -> torch.Tensor:
    """Predicted class of every sample, int64 `(N,)`: argmax over classes of the output summed over time.

    Raises `UsageError` where `dataset` has another number of time steps than `steps`.
    """
    check_steps(steps, dataset.steps)
    layers = chain_of(module)
    predictions = []
    for start in range(0, len(dataset), BATCH_SIZE):
        x = torch.tensor(dataset.x[start : start + BATCH_SIZE], dtype=layers[0].weight.dtype)
        forward = Forward(layers, x.transpose(0, 1) if dataset.time_axis else x, dataset.time_axis)
        votes = torch.zeros(len(x), len(layers[-1].weight), dtype=x.dtype)
        for t in range(steps):
            forward.step(t)
            votes += forward.output
        predictions.append(votes.argmax(1))
    return torch.cat(predictions)


def accuracy(module: torch.nn.Module, dataset: Dataset, steps: int) -> float:
    """Share of samples predicted right, 0..1, running `steps` time steps.

    Raises `InputError` where the labels are missing or do not fit the network's outputs.
    """
    labels = check_labels(dataset, len(chain_of(module)[-1].weight))
    return float((predict(module, dataset, steps).numpy() == labels).mean())
