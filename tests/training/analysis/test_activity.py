"""Spikes and operations against counts by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from neurodeploy.data import Dataset
from neurodeploy.errors import UsageError
from neurodeploy.models import build
from neurodeploy.training import LIF
from neurodeploy.training.analysis import NeuronActivity, SynapseActivity, measure_activity
from neurodeploy.training.event import SpikeResponse
from neurodeploy.training.modules import Scale


def data(x: object, time_axis: bool = False) -> Dataset:
    return Dataset("own", "all", "own.npz", np.asarray(x, np.float32), None, 0, time_axis, "", "")


def dense(weights: list[list[float]]) -> nn.Linear:
    layer = nn.Linear(len(weights[0]), len(weights), bias=False)
    layer.weight.data = torch.tensor(weights, dtype=torch.float32)
    return layer


def test_by_hand() -> None:
    """Without leak, inputs (1, 1) and weights 0.5 fire at every step, 0.25 at steps 2 and 4, -1 never."""
    module = nn.Sequential(
        dense([[0.5, 0.5], [0.25, 0.25], [-1, 0]]), LIF(1.0), Scale(2.74), dense([[1, 0, 1], [2, 3, 0]])
    )
    found = measure_activity(module, data([[1, 1]]), 4)
    assert found.neurons == (NeuronActivity("1", 3, spikes=6.0, firing_rate=6 / 12),)
    first, last = found.synapses
    assert first == SynapseActivity("0", effective_acs=4 * 5.0, effective_macs=0.0, dense=4 * 6.0)
    assert last == SynapseActivity("3", effective_acs=4 * 2 + 2 * 1.0, effective_macs=0.0, dense=4 * 6.0)
    assert (found.samples, found.steps) == (1, 4)


def test_graded_inputs_multiply() -> None:
    found = measure_activity(nn.Sequential(dense([[1, 1, 1]])), data([[0.5, 0, 1], [0, 0, 0.5]]), 2)
    assert found.synapses == (SynapseActivity("0", 0.0, effective_macs=2 * 1.5, dense=6.0),)
    assert found.neurons == ()


def test_frames_count_each_for_itself() -> None:
    frames = [[[1, 0], [1, 1], [0, 0]], [[0, 0], [0, 0], [-1, 0]]]
    found = measure_activity(nn.Sequential(dense([[1, 1], [0, 1]])), data(frames, True), 3)
    assert found.synapses[0].effective_acs == (1 + 3 + 1) / 2
    with pytest.raises(UsageError, match="the data have 3 time steps, not 2"):
        measure_activity(nn.Sequential(dense([[1, 1]])), data(frames, True), 2)


def test_padding_is_no_synapse() -> None:
    """A 3x3 kernel on 3x3 pixels: 9 synapses of the centre, 6 of an edge, 4 of a corner."""
    module = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1))
    whole = measure_activity(module, data(np.ones((1, 1, 3, 3))), 1).synapses[0]
    assert (whole.effective_acs, whole.dense) == (2 * 49, 2 * 49)
    corner = np.zeros((1, 1, 3, 3))
    corner[0, 0, 0, 0] = 1
    assert measure_activity(module, data(corner), 1).synapses[0].effective_acs == 2 * 4


def test_zero_weights_do_nothing() -> None:
    module = nn.Sequential(nn.Conv2d(1, 1, 2, stride=2))
    module[0].weight.data[0, 0, 0] = 0
    found = measure_activity(module, data(np.ones((1, 1, 4, 4))), 3).synapses[0]
    assert (found.effective_acs, found.dense) == (3 * 8, 3 * 16)


def test_many_samples_are_a_mean() -> None:
    draw = np.random.default_rng(0)
    pixels = draw.random((1203, 6)) < 0.5
    found = measure_activity(nn.Sequential(dense([[1.0] * 6])), data(pixels), 1).synapses[0]
    assert found.effective_acs == pytest.approx(pixels.sum() / 1203, rel=1e-12)


def test_event_neurons_and_standardized_weights() -> None:
    module = build("event:1x4x4-2C3(p1)-P2-5")
    x = data(np.random.default_rng(0).random((3, 1, 4, 4)))
    found = measure_activity(module, x, 5)
    kinds = [name for name, layer in module.named_modules() if isinstance(layer, SpikeResponse)]
    assert [one.layer for one in found.neurons] == kinds
    assert [one.dense for one in found.synapses] == [5 * 2 * 100, 5 * 8 * 5]
    assert found.to_dict()["neurons"][1]["neurons"] == 5


@pytest.mark.parametrize("steps", [1, 2])
def test_feedback_reaches_nothing_in_the_first_step(steps: int) -> None:
    module = build("convnet:4C3p1-P2-4C3p1-P4-10,input=8x8,feedback=yes")
    found = {one.layer: one for one in measure_activity(module, data(np.ones((3, 8, 8))), steps).synapses}
    (back,) = (one for name, one in found.items() if name.startswith("feedback"))
    assert (back.dense > 0) == (steps > 1)
    assert (back.effective_acs, back.effective_macs) == (0.0, 0.0) or steps > 1
    assert found["conv1"].dense == steps * 4 * 22 * 22


def test_changes_nothing() -> None:
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), LIF())
    module[2].v = torch.ones(())
    measure_activity(module, data(np.ones((2, 1, 3, 3))), 2)
    assert torch.equal(module[1].running_mean, torch.zeros(2))
    assert torch.equal(module[2].v, torch.ones(()))
    assert module.training
    assert not module[2]._forward_hooks
