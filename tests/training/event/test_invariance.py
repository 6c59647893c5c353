"""Eq. 8: what spikes are asked to move by has the same sum at the output, in hidden layers and at the input."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from neurodeploy.training.event import (
    PRESETS,
    Conv2d,
    Dense,
    Dynamics,
    EventOptions,
    adjusted_average_pool,
    average_pool,
    max_pool,
    residual_add,
    respond,
    spiking,
)

T, N = 8, 2
PAPER = PRESETS["paper"]


def sums(
    pool: Callable[..., torch.Tensor], options: EventOptions, mean: float, residual: bool = False
) -> list[float]:
    """Sums of dL/dt at output, after pooling, before it, and at the input of conv-conv-pool-dense."""
    draw = torch.Generator().manual_seed(3)

    def normal(*shape: int) -> torch.Tensor:
        return mean + torch.randn(*shape, generator=draw, dtype=torch.float64)

    x = (torch.rand(T, N, 2, 6, 6, generator=draw) < 0.5).double().requires_grad_()
    first, _ = spiking(x, normal(4, 2, 3, 3), Conv2d(padding=(1, 1)), T, Dynamics(), options)
    hidden, _ = spiking(first, normal(4, 4, 3, 3), Conv2d(padding=(1, 1)), T, Dynamics(), options)
    joined = residual_add(hidden, first) if residual else hidden
    pooled = pool(joined, (2, 2), (2, 2))
    output, _ = spiking(pooled.flatten(2), normal(5, 36), Dense(), T, Dynamics(), options)
    g = torch.randn(output.shape, generator=draw, dtype=torch.float64) * output.detach()
    assert output.sum() > 5 and first.sum() > 10
    inner = (first,) if residual else (hidden, first)
    found = torch.autograd.grad(output, (pooled, *inner, x), g)
    places = [(f * y.detach().bool()).sum() for f, y in zip(found, (pooled, *inner, x), strict=True)]
    return [float(g.sum()), *map(float, places)]


@pytest.mark.parametrize("pool", [max_pool, adjusted_average_pool])
@pytest.mark.parametrize("kernel", ["exponential", "derivative"])
@pytest.mark.parametrize("mean", [0.3, 0.0])
@pytest.mark.parametrize("residual", [False, True])
def test_sum_is_the_same_in_every_layer(
    pool: Callable[..., torch.Tensor], kernel: str, mean: float, residual: bool
) -> None:
    found = sums(pool, EventOptions(kernel=kernel), mean, residual)  # type: ignore[arg-type]
    assert found == pytest.approx([found[0]] * len(found), rel=1e-10, abs=1e-10)


def test_a_negative_denominator_keeps_the_sum_and_the_clamp_drops_it() -> None:
    x = torch.eye(2, dtype=torch.float64).view(2, 1, 2).requires_grad_()
    w = torch.tensor([[2.6, -1.0]], dtype=torch.float64)
    dynamics = Dynamics(threshold=0.9)
    response = respond((x @ w.T).detach(), 2, dynamics, ((1 - 1 / 1.2, 1.0),))
    assert response.fired.flatten().tolist() == [False, True] and response.weight[1] < 0
    moved = []
    for limit in (0.0, 1.2e8):
        options = EventOptions(tau_g=1.2, inverse_weight_limit=limit)
        spikes, _ = spiking(x, w, Dense(), 2, dynamics, options)
        moved.append(float(torch.autograd.grad(spikes.sum(), x)[0].sum()))
    assert moved == [pytest.approx(1.0, abs=1e-12), 0.0]


def test_plain_average_and_official_clamps_lose_it() -> None:
    plain = sums(average_pool, PAPER, 0.3)
    assert plain[1] == pytest.approx(plain[0], rel=1e-9)
    assert abs(plain[2] - plain[1]) > 0.05 * abs(plain[1])
    options = EventOptions(inverse_weight_limit=1.2e8, input_scale=0.85)
    positive = sums(max_pool, options, 2.0)
    expected = [positive[0] * 0.85**n for n in (0, 1, 1, 2, 3)]
    assert positive == pytest.approx(expected, rel=1e-9)


def test_adjusted_average_divides_among_spikes() -> None:
    x = torch.tensor([[1.0, 0, 1, 1], [0, 0, 0, 1]], dtype=torch.float64).view(1, 1, 1, 2, 4).requires_grad_()
    y = adjusted_average_pool(x, (2, 2), (2, 2))
    assert y.flatten().tolist() == [0.25, 0.75]
    (g,) = torch.autograd.grad(y, x, torch.tensor([3.0, 6.0], dtype=torch.float64).view(1, 1, 1, 1, 2))
    assert g.view(2, 4).tolist() == [[3, 0, 2, 2], [0, 0, 0, 2]]


def test_first_of_several_largest_has_the_gradient() -> None:
    x = torch.tensor([[1.0, 0, 0, 1], [1, 1, 1, 1]]).view(1, 1, 1, 2, 4).requires_grad_()
    (g,) = torch.autograd.grad(max_pool(x, (2, 2), (2, 2)).sum(), x)
    assert g.view(2, 4).tolist() == [[1, 0, 0, 1], [0, 0, 0, 0]]


def test_sum_of_a_residual_is_shared() -> None:
    a = torch.tensor([0.0, 0, 1, 1]).requires_grad_()
    b = torch.tensor([0.0, 1, 0, 1]).requires_grad_()
    total = residual_add(a, b)
    by_a, by_b = torch.autograd.grad(total, (a, b), torch.tensor([5.0, 6, 7, 8]))
    assert total.tolist() == [0, 1, 1, 2]
    assert (by_a.tolist(), by_b.tolist()) == ([0, 0, 7, 4], [0, 6, 0, 4])
