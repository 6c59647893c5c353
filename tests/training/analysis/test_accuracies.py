"""Accuracy by time steps and by decay, against the evaluation of each single case."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import numpy as np
import pytest
import torch
from torch import nn

from neurodeploy.data import Dataset
from neurodeploy.errors import UnsupportedError, UsageError
from neurodeploy.models import build
from neurodeploy.training import LIF, accuracy
from neurodeploy.training.analysis import accuracy_by_decay, accuracy_by_steps, with_decay
from neurodeploy.training.rules import find_rule


def integrators(decay: float = 1.0) -> nn.Sequential:
    """Class 1 wins as soon as the input has made a spike, class 0 before (ties go to the lowest)."""
    module = nn.Sequential(nn.Linear(1, 2, bias=False), LIF(decay))
    module[0].weight.data = torch.tensor([[0.0], [1.0]])
    return module


def data(x: object, y: list[int], time_axis: bool = False) -> Dataset:
    labels = np.array(y)
    return Dataset("own", "all", "own.npz", np.asarray(x, np.float32), labels, 2, time_axis, "", "")


def test_currents_below_the_threshold_need_time() -> None:
    currents = (1.0, 0.5, 0.25)
    found = accuracy_by_steps(integrators(), data([[c] for c in currents], [1, 1, 1]), (1, 2, 3, 4, 9))
    by_hand = {t: sum(ceil(1 / c) <= t for c in currents) / 3 for t in (1, 2, 3, 4, 9)}
    assert found == by_hand == {1: 1 / 3, 2: 2 / 3, 3: 2 / 3, 4: 1.0, 9: 1.0}


def test_frames_are_cut() -> None:
    frames = data([[[0.0], [1.0], [0.0]], [[0.0], [0.0], [1.0]]], [1, 1], time_axis=True)
    assert accuracy_by_steps(integrators(), frames, (3, 1, 2)) == {3: 1.0, 1: 0.0, 2: 0.5}
    with pytest.raises(
        UsageError, match=r"own\.npz has 3 time steps, so accuracy after 4 cannot be measured"
    ):
        accuracy_by_steps(integrators(), frames, (4,))
    with pytest.raises(UsageError, match="must be 1 or more, not 0"):
        accuracy_by_steps(integrators(), frames, (0,))


def test_event_networks_count_by_their_own_readout() -> None:
    module = build("event:4-3", seed=1)
    learner = find_rule("event").learner(module, "recommended", {})
    own = replace(data(np.random.default_rng(0).random((20, 4)) * 3, [0] * 20), classes=3)
    found = accuracy_by_steps(module, own, (3, 5), learner)
    assert found == {t: accuracy(module, own, t, learner) for t in (3, 5)}


def test_a_current_of_a_half_reaches_the_threshold_without_leak_alone() -> None:
    half = data([[0.5], [0.5]], [1, 1])
    assert accuracy_by_decay(integrators(0.3), half, 4, (0.0, 0.3, 0.7, 1.0)) == {
        0.0: 0,
        0.3: 0,
        0.7: 1,
        1.0: 1,
    }


def test_the_trained_decay_changes_nothing() -> None:
    module, draw = build("mlp:8-12-3,decay=0.7", seed=2), np.random.default_rng(1)
    own = replace(data(4 * draw.random((60, 8)), list(draw.integers(0, 3, 60))), classes=3)
    assert accuracy_by_decay(module, own, 5, [0.7]) == {0.7: accuracy(module, own, 5)}


def test_with_decay_leaves_the_module_as_it_is() -> None:
    module = integrators(0.3)
    module(torch.ones(1, 1))
    changed = with_decay(module, 0.9)
    assert isinstance(changed[1], LIF)  # type: ignore[index]
    assert (changed[1].decay, changed[1].v) == (0.9, None)  # type: ignore[index]
    assert module[1].decay == 0.3
    assert module[1].v is not None
    assert torch.equal(changed[0].weight, module[0].weight)  # type: ignore[index]


def test_refuses() -> None:
    with pytest.raises(UsageError, match=r"decay must be in \[0, 1\], not 1.5"):
        with_decay(integrators(), 1.5)
    with pytest.raises(UnsupportedError, match="no LIF layer, so there is no decay to change"):
        with_decay(build("event:4-3"), 0.5)
