"""The rule from the trainer: whole runs, resumed ones, options, and the table entries that make it known."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from neurodeploy.data import Dataset
from neurodeploy.errors import UnsupportedError, UsageError
from neurodeploy.models import FAMILIES, build
from neurodeploy.training import TrainConfig, accuracy, gradients, load_run, train
from neurodeploy.training.event import EventLearner, EventSpec
from neurodeploy.training.rules import RULES


@pytest.fixture(autouse=True)
def known_family(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FAMILIES, "event", EventSpec.parse)


def patterns(samples: int = 120, shape: tuple[int, ...] = (5, 4)) -> Dataset:
    """Three noisy patterns."""
    draw = np.random.default_rng(0)
    y = np.arange(samples) % 3
    x = draw.random((3, *shape))[y] + 0.2 * draw.random((samples, *shape))
    return Dataset("patterns", "all", "patterns.npz", x.astype(np.float32), y, 3, False, "made", "CC0")


run = partial(train, rule="event", steps=5, config=TrainConfig(batch_size=20, learning_rate=0.005))


@pytest.mark.parametrize("model", ["event:20-48-3", "event:5x4-8C3(p1)-P2-32-3"])
def test_a_run_learns_and_is_loaded_again(model: str, tmp_path: Path) -> None:
    data = patterns()
    trained = run(model, data, epochs=12, test=data, folder=tmp_path / "run")
    assert trained.metrics[-1].loss < 0.8 * trained.metrics[0].loss
    assert trained.info.last_test_accuracy is not None and trained.info.last_test_accuracy > 0.95
    module, info = load_run(tmp_path / "run")
    assert info.rule == "event" and info.model.startswith(model)
    learner = RULES["event"].learner(module, info.config.preset, info.config.options)
    assert accuracy(module, data, 5, learner) == info.last_test_accuracy


def test_a_resumed_run_has_the_same_weights(tmp_path: Path) -> None:
    data, model = patterns(60), "event:20-16-3"
    whole = run(model, data, epochs=3)

    def stop(metrics: object) -> None:
        raise KeyboardInterrupt

    from neurodeploy.training import Watch

    with pytest.raises(KeyboardInterrupt):
        run(model, data, epochs=3, folder=tmp_path / "run", watch=Watch(epoch=stop))
    resumed = run(model, data, epochs=3, folder=tmp_path / "run", resume=True)
    for (name, one), other in zip(whole.module.named_parameters(), resumed.module.parameters(), strict=True):
        assert torch.equal(one, other), name


def test_gradients_by_the_name_of_the_rule() -> None:
    module = build("event:20-16-3")
    x, y = torch.rand(4, 20), torch.tensor([0, 1, 2, 0])
    found = gradients(module, x, y, "event", 5, preset="paper", undesired=0.5, average_pool="plain")
    assert found.outputs.shape == (5, 4, 3)
    assert {name: g.shape for name, g in found.gradients.items()} == {
        name: p.shape for name, p in module.named_parameters()
    }
    with pytest.raises(UsageError, match=r"no option .tau. of this rule\. There are kernel, tau_g"):
        gradients(module, x, y, "event", 5, tau=3.0)
    with pytest.raises(UsageError, match="no preset 'best'"):
        gradients(module, x, y, "event", 5, preset="best")


def test_networks_of_other_neurons_are_refused_before_any_work() -> None:
    with pytest.raises(UnsupportedError, match="Try --model event:784-256-10"):
        run("mlp:20-16-3,readout=spiking", patterns(), epochs=1)


def test_learner_is_that_of_the_table() -> None:
    assert RULES["event"].bind is EventLearner
