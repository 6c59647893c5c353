from __future__ import annotations

import pytest
import torch

from neurodeploy.errors import UsageError
from neurodeploy.training import LIF
from neurodeploy.training.losses import one_hot, step_loss
from neurodeploy.training.surrogate import Surrogate, sigmoid_surrogate


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


@pytest.mark.parametrize("decay", [-0.1, 1.1, float("nan")])
def test_refuses_another_decay(decay: float) -> None:
    with pytest.raises(UsageError, match=r"LIF: decay must be in \[0, 1\], not "):
        LIF(decay)


@pytest.mark.parametrize("threshold", [0.0, -1.0, float("inf"), float("nan")])
def test_refuses_another_threshold(threshold: float) -> None:
    with pytest.raises(UsageError, match="LIF: threshold must be positive and finite, not "):
        LIF(0.5, threshold)


@pytest.mark.parametrize("reset", ["subtract", "zero"])
def test_in_place_steps_give_the_same_numbers(reset: str) -> None:
    lif = LIF(0.7, 0.9, reset)  # type: ignore[arg-type]
    currents = torch.rand(6, 50) * 1.5
    u = currents[0].clone()
    s = lif.spikes(u)
    assert torch.equal(lif(currents[0]), s)
    for current in currents[1:]:
        lif.advance(u, s, current)
        assert torch.equal(lif(current), s)


@pytest.mark.parametrize("kind", ["sigmoid", "rectangular"])
def test_a_surrogate_is_the_same_in_all_its_forms(kind: str) -> None:
    surrogate, u = Surrogate(kind, 3.0), torch.linspace(-1, 3, 41, dtype=torch.float64)
    delta, total = torch.linspace(2, -1, 41, dtype=torch.float64), torch.ones(41, dtype=torch.float64)
    slope = surrogate.slope(u, 0.8)
    torch.testing.assert_close(surrogate.back(delta, u, 0.8), delta * slope)
    surrogate.add_slope(total, u, 0.8, 0.5, torch.empty_like(u))
    torch.testing.assert_close(total, 1 + 0.5 * slope)


def test_rectangular_surrogate_is_a_window() -> None:
    u = torch.tensor([-0.01, 0.0, 1.0, 2.0, 2.01])
    assert Surrogate("rectangular").slope(u, 1.0).tolist() == [0, 1, 1, 1, 0]


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
