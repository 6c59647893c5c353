"""The network of a course before its first lesson, in float and in the chip's integers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurodeploy.backend import get_backend
from neurodeploy.compiler import compile
from neurodeploy.data import Dataset
from neurodeploy.learning.scenarios.course import Course
from neurodeploy.learning.scenarios.setting import Setting
from neurodeploy.network import Network, Stimulus

if TYPE_CHECKING:
    import torch

RULE = "ottt-a"
BATCH_SIZE = 32
CALIBRATION = 1024
"""Inputs of single steps that find the grid of the input."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """The float network, its run folder where it was trained, and the integer network made of it."""

    module: torch.nn.Module
    folder: Path | None
    network: Network


def deploy(course: Course, setting: Setting, seed: int, folder: Path) -> Deployed:
    """Train on the course's base data with OTTT and compile; without base data compile random weights."""
    from neurodeploy.training import TrainConfig, train
    from neurodeploy.training.untrained import untrained

    sample = course.lessons[0].stream if course.base is None else course.base
    module: torch.nn.Module
    if course.base is None:
        module = untrained(setting.model, seed)
    else:
        config = TrainConfig(batch_size=BATCH_SIZE)
        module = train(
            setting.model,
            course.base,
            rule=RULE,
            steps=setting.steps,
            epochs=setting.epochs,
            config=config,
            seed=seed,
            folder=folder,
        ).module
    single_steps = sample.x.reshape(-1, *sample.shape)[:CALIBRATION]
    network = compile(module, single_steps, steps=setting.steps)
    return Deployed(module, None if course.base is None else folder, network)


def stimulus(network: Network, data: Dataset) -> Stimulus:
    """The samples as the network takes them."""
    return network.stimulus(data.time_first, time_axis=data.time_axis)


def accuracy(network: Network, data: Dataset) -> float:
    """Share of samples that the integer network predicts right."""
    prediction = get_backend("engine").run(network, stimulus(network, data)).prediction
    return float(np.mean(prediction == data.labels()))


def accuracies(network: Network, course: Course) -> list[float]:
    """The integer network on each of the course's held-out data."""
    return [accuracy(network, data) for data in course.judged_on]
