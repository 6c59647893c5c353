"""Running statistics of batch norm against those of torch."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from neurodeploy.training import LIF, gradients
from neurodeploy.training.rule import Batch
from neurodeploy.training.rules import find_rule
from tests.training.networks import N, T, batch, conv, frames_of, ready


@torch.no_grad()
def learned(rule: str, module: nn.Module, x: torch.Tensor, y: torch.Tensor, time_axis: bool) -> nn.Module:
    learner = find_rule(rule).learner(module, "recommended", {})
    learner.learn(Batch(x, y, T, time_axis), lambda found: None)
    return module


def expect_same_buffers(found: nn.Module, expected: nn.Module) -> None:
    for (name, a), b in zip(found.named_buffers(), expected.buffers(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12, msg=name)


@pytest.mark.parametrize("rule", ["rate-s", "bptt"])
@pytest.mark.parametrize("time_axis", [False, True])
@pytest.mark.filterwarnings("ignore:the input changes")
def test_each_step_moves_them(rule: str, time_axis: bool) -> None:
    module, (x, y) = ready(conv(norm=True)), batch()
    frames = frames_of(x) if time_axis else x.expand(T, *x.shape)
    expected = copy.deepcopy(module).train()
    for frame in frames:
        expected(frame)
    expect_same_buffers(learned(rule, module, frames if time_axis else x, y, time_axis), expected)


@pytest.mark.filterwarnings("ignore:the input changes")
def test_all_steps_together_move_them_once() -> None:
    first = nn.Sequential(nn.Conv2d(2, 4, 3, bias=False), nn.BatchNorm2d(4))
    module = ready(nn.Sequential(*first, LIF(), nn.Flatten(), nn.Linear(144, 3)))
    x, y = batch()
    frames, expected = frames_of(x), copy.deepcopy(first).train()
    expected(frames.flatten(0, 1))
    expect_same_buffers(learned("rate-m", module, frames, y, True)[1], expected[1])  # type: ignore[index]
    assert int(module[1].num_batches_tracked) == 1


def test_gradients_moves_nothing_and_evaluation_takes_them() -> None:
    module, (x, y) = ready(conv(norm=True)), batch()
    before = {name: b.clone() for name, b in module.named_buffers()}
    for rule in ("rate-m", "rate-s", "bptt"):
        gradients(module, x, y, rule, T)
    assert all(torch.equal(b, before[name]) for name, b in module.named_buffers())
    votes = find_rule("rate-m").learner(module, "recommended", {}).votes(Batch(x, y, T))
    module.eval()
    torch.testing.assert_close(votes, sum(module(x) for _ in range(T)).detach())  # type: ignore[union-attr]
    assert votes.shape == (N, 3)


def test_dense_layers_have_it_too() -> None:
    module = nn.Sequential(nn.Linear(128, 20), nn.BatchNorm1d(20), LIF(), nn.Linear(20, 3)).double()
    x, y = batch()
    exact = gradients(module, x.flatten(1), y, "bptt", T, loss="mean", eta=0.0).gradients
    found = gradients(module, x.flatten(1), y, "rate-m", T).gradients
    for name in exact:
        a, b = exact[name].flatten(), found[name].flatten()
        if name != "0.bias":
            assert float(a @ b / a.norm() / b.norm()) > 0.99, name
