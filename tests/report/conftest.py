import numpy as np
import pytest

import neurodeploy as nd
from neurodeploy.data import Dataset
from neurodeploy.models import build
from neurodeploy.report import report

STEPS = 5


def dataset(name="toy", spec="toy.npz", samples=40, y="default", time_axis=False):
    rng = np.random.default_rng(4)
    shape = (samples, STEPS, 4, 4) if time_axis else (samples, 4, 4)
    x = (rng.integers(0, 17, shape) / 16).astype(np.float32)
    labels = np.arange(samples) % 5 if isinstance(y, str) else y
    return Dataset(name, "all", spec, x, labels, 0 if labels is None else 5, time_axis, spec, "not stated")


@pytest.fixture(scope="session")
def module():
    made = build("mlp:16-24-12-5", seed=2)
    for parameter in made.parameters():
        parameter.data *= 3
    return made


@pytest.fixture(scope="session")
def network(module):
    return nd.compile(module, dataset().x, steps=STEPS, bits=4)


@pytest.fixture(scope="session")
def made(network, module):
    return report(network, dataset(), model=module, command="neurodeploy report n.onnx --data toy.npz -o out")
