"""Peak memory against sums by hand, and how it grows with the number of steps by rule."""

from __future__ import annotations

import pytest
import torch

from neurodeploy.errors import UnsupportedError
from neurodeploy.models import build
from neurodeploy.training import gradients
from neurodeploy.training.analysis import median_times, peak_bytes, training_step
from neurodeploy.training.rule import Batch

KIB = 256
"""Numbers of float32 in a KiB."""


def test_the_most_at_once_counts() -> None:
    def step() -> None:
        first = torch.zeros(3 * KIB)
        del first
        second = torch.zeros(2 * KIB)
        third = second + 1
        third.add_(second)
        third.view(2, KIB)[0].fill_(0)

    assert peak_bytes(step) == 4 * 1024


def test_what_was_there_before_does_not_count() -> None:
    kept = torch.zeros(100 * KIB)
    assert peak_bytes(lambda: kept.add_(1)) == 0
    assert peak_bytes(lambda: kept.view(10, -1).t()) == 0
    assert peak_bytes(lambda: kept[:KIB] + 1) == 1024


def test_a_graph_holds_what_backward_needs() -> None:
    weight = torch.ones(KIB, requires_grad=True)

    def step(times: int) -> None:
        total = weight
        for _ in range(times):
            total = total.exp()
        del total

    held = [peak_bytes(lambda times=times: step(times)) for times in (2, 6)]  # type: ignore[misc]
    assert held == [2 * 1024, 6 * 1024]


def batch(steps: int) -> Batch:
    draw = torch.Generator().manual_seed(0)
    return Batch(torch.rand(8, 24, generator=draw), torch.randint(0, 5, (8,), generator=draw), steps)


def peak(rule: str, steps: int) -> int:
    step = training_step(build("event:24-16-5" if rule == "event" else "mlp:24-16-5"), batch(steps), rule)
    step()
    return peak_bytes(step)


@pytest.mark.parametrize("rule", ["ottt-a", "ottt-o", "rate-m", "rate-s"])
def test_constant_in_time(rule: str) -> None:
    assert peak(rule, 4) == peak(rule, 32) > 8 * 16 * 4


@pytest.mark.parametrize("rule", ["bptt", "event"])
def test_grows_with_time(rule: str) -> None:
    few, more, most = (peak(rule, steps) for steps in (8, 16, 24))
    assert most - more == more - few >= 8 * 8 * 16 * 4


def test_training_step_updates_by_the_rule() -> None:
    module = build("mlp:24-16-5")
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    given = batch(4)
    found = gradients(module, given.x, given.labels, "ottt-a", 4, eta=0.5).gradients
    training_step(module, given, "ottt-a", eta=0.5)()
    for name, p in module.named_parameters():
        moved = before[name] - p
        large = found[name].abs() > 1e-4
        torch.testing.assert_close(moved[large], 1e-3 * found[name][large].sign(), rtol=1e-3, atol=0)


def test_training_step_refuses_what_the_rule_cannot_train() -> None:
    with pytest.raises(UnsupportedError, match="must end in SpikeResponse neurons"):
        training_step(build("mlp:24-16-5"), batch(4), "event")


def test_every_step_is_run_in_turn() -> None:
    seen: list[str] = []
    times = median_times({"a": lambda: seen.append("a"), "b": lambda: seen.append("b")}, 2)
    assert seen == ["a", "b"] * 3
    assert list(times) == ["a", "b"]
    assert min(times.values()) >= 0
