"""Baseline: OTTT in float on the same stream, one sample at a time, in the layers that learn on the chip."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neurodeploy.data import Dataset
from neurodeploy.learning.scenarios.course import Course

if TYPE_CHECKING:
    import torch

RATES = (0.003, 0.01, 0.03, 0.1)
SEARCH = 150
"""Samples of the stream on which the rates are compared."""


@dataclass(frozen=True, slots=True)
class OnlineOTTT:
    """`rows` of accuracies after each lesson, `(lessons, held-out data)`, and the learning rate that was chosen."""

    rows: list[list[float]]
    learning_rate: float


def online_ottt(module: torch.nn.Module, course: Course, steps: int, layers: str) -> OnlineOTTT:
    """OTTT-A with gradient descent, batches of one, weights of the `last` or of `all` layers.

    Source: Xiao et al., NeurIPS 2022. The rate is the one with the most right predictions, each made before its
    sample was learned, in the first 150 samples: nothing held out decides.
    """
    first = course.lessons[0].stream.limit(SEARCH)
    rate = max(RATES, key=lambda rate: _learn(copy.deepcopy(module), first, steps, layers, rate))
    learned, rows = copy.deepcopy(module), []
    for lesson in course.lessons:
        _learn(learned, lesson.stream, steps, layers, rate)
        rows.append(float_accuracies(learned, course, steps))
    return OnlineOTTT(rows, rate)


def float_accuracies(module: torch.nn.Module, course: Course, steps: int) -> list[float]:
    """The float network on each of the course's held-out data."""
    from neurodeploy.training import accuracy

    return [accuracy(module, data, steps) for data in course.judged_on]


def _learn(module: torch.nn.Module, stream: Dataset, steps: int, layers: str, rate: float) -> int:
    """Learn from every sample once, in place; how many were predicted right before."""
    import torch

    from neurodeploy.training import RULES, Batch
    from neurodeploy.training.optimizers import SGD

    with torch.no_grad():
        weights = _learned_weights(module, layers)
        learner, descent = RULES["ottt-a"].learner(module, "recommended", {}), SGD(weights, 0.0, 0.0)
        right = 0
        for sample, label in zip(torch.from_numpy(stream.x.copy()), stream.labels(), strict=True):
            x = sample.unsqueeze(1 if stream.time_axis else 0)
            batch = Batch(x, torch.tensor([label]), steps, stream.time_axis)
            right += learner.learn(batch, lambda found: descent.update(weights, found, rate)).correct
    return right


def _learned_weights(module: torch.nn.Module, layers: str) -> dict[str, torch.Tensor]:
    """Weights by name, without biases, which the chip's rule leaves alone."""
    weights = {name: p.data for name, p in module.named_parameters() if p.ndim > 1}
    names = list(weights) if layers == "all" else list(weights)[-1:]
    return {name: weights[name] for name in names}
