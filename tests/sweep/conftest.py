"""A small trained network of the digits and its data."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from neurodeploy.data import Dataset, load
from neurodeploy.frontends.model import TorchModel


@dataclass(frozen=True)
class Digits:
    model: TorchModel
    train: Dataset
    test: Dataset


@pytest.fixture(scope="session")
def digits() -> Digits:
    from neurodeploy.training import train

    data = load("digits@train")
    run = train("mlp:64-32-10", data, rule="ottt-a", steps=4, epochs=4)
    return Digits(TorchModel(run.module, "digits", 4), data.limit(200), load("digits@test").limit(200))
