from __future__ import annotations

import pytest
import torch

from neurodeploy.errors import UsageError
from neurodeploy.training import LIF
from neurodeploy.training.losses import one_hot, step_loss
from neurodeploy.training.surrogate import sigmoid_surrogate


def run(lif: LIF, currents: list[float]) -> tuple[list[float], list[float]]:
    spikes, kept = [], []
    for current in currents:
        spikes.append(float(lif(torch.tensor([[current]]))))
        kept.append(float(lif.v))
    return spikes, kept


def test_subtract_keeps_what_is_over_the_threshold() -> None:
    assert run(LIF(0.5, 1.0), [0.75, 0.75, 0.5, 0.0]) == ([0, 1, 0, 0], [0.75, 0.125, 0.5625, 0.28125])


def test_zero_keeps_nothing() -> None:
    assert run(LIF(0.5, 1.0, "zero"), [0.75, 0.75, 0.5]) == ([0, 1, 0], [0.75, 0.0, 0.5])


def test_equality_fires_and_reset_forgets() -> None:
    lif = LIF(1.0, 2.0)
    assert run(lif, [1.0, 1.0]) == ([0, 1], [1.0, 0.0])
    run(lif, [1.5])
    lif.reset()
    assert run(lif, [1.0]) == ([0], [1.0])


def test_refuses_another_reset() -> None:
    with pytest.raises(UsageError, match="'subtract' or 'zero', not 'none'"):
        LIF(reset="none")  # type: ignore[arg-type]


def test_surrogate_is_the_derivative_of_the_sigmoid() -> None:
    u = torch.linspace(-1, 3, 41, dtype=torch.float64, requires_grad=True)
    torch.sigmoid(4 * (u - 0.7)).sum().backward()
    torch.testing.assert_close(sigmoid_surrogate(u.detach(), 0.7), u.grad, rtol=1e-13, atol=1e-15)
    assert float(sigmoid_surrogate(torch.tensor(1.0), 1.0)) == 1.0


def test_step_loss_equals_torch() -> None:
    output = torch.randn(7, 5, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 1, 2, 3, 4, 0, 1])
    target = one_hot(labels, 5, torch.float64)
    cross_entropy = torch.nn.functional.cross_entropy(output, labels)
    squares = torch.nn.functional.mse_loss(output, target)
    expected = (0.7 * cross_entropy + 0.3 * squares) / 4
    expected.backward()
    loss, gradient = step_loss(output.detach(), target, 4, 0.3)
    torch.testing.assert_close(loss, expected.detach())
    torch.testing.assert_close(gradient, output.grad)
