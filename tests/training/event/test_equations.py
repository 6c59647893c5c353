"""Forward and backward pass against loops over single events, in double precision."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from neurodeploy.training.event import PRESETS, Conv2d, Dense, Dynamics, EventOptions, respond, spiking
from tests.training.event import reference

T, N, IN, OUT = 9, 3, 12, 7


def case(seed: int = 0, graded: bool = False) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Input spikes (T, N, IN), weights (OUT, IN) of both signs, gradients (T, N, OUT)."""
    draw = np.random.default_rng(seed)
    x = (draw.random((T, N, IN)) < 0.4) * (draw.integers(1, 5, (T, N, IN)) / 4 if graded else 1.0)
    w, g = draw.normal(0.1, 0.8, (OUT, IN)), draw.normal(0, 1, (T, N, OUT))
    return torch.from_numpy(x), torch.from_numpy(w), torch.from_numpy(g)


@pytest.mark.parametrize("dynamics", [Dynamics(), Dynamics(7, 4, 0.6), Dynamics(8, 1.5, 2.0)])
def test_forward_is_the_sum_over_events(dynamics: Dynamics) -> None:
    x, w, _ = case()
    current = x @ w.T
    response = respond(current, T, dynamics, ((0.6, 1.0),))
    for n in range(N):
        for i in range(OUT):
            spikes, u = reference.forward(
                current[:, n, i].numpy(), dynamics.tau_m, dynamics.tau_s, dynamics.threshold
            )
            np.testing.assert_allclose(response.potential[:, n, i], u, rtol=0, atol=1e-12)
            np.testing.assert_array_equal(response.fired[:, n, i], spikes == 1)
    assert 0.05 < response.fired.double().mean() < 0.9


@pytest.mark.parametrize("kernel", ["exponential", "derivative"])
@pytest.mark.parametrize("limits", [(0.0, 0.0, 1.0), (4.0, 1.2e8, 0.85), (0.3, 0.4, 1.0)])
@pytest.mark.parametrize("graded", [False, True])
def test_backward_is_the_sum_over_events(
    kernel: str, limits: tuple[float, float, float], graded: bool
) -> None:
    slope_limit, den_limit, scale = limits
    x, w, g = case(graded=graded)
    options = EventOptions(
        kernel=kernel,  # type: ignore[arg-type]
        inverse_slope_limit=slope_limit,
        inverse_weight_limit=den_limit,
        input_scale=scale,
    )
    x.requires_grad_(), w.requires_grad_()
    spikes, _ = spiking(x, w, Dense(), T, Dynamics(), options)
    for_t, for_w = torch.autograd.grad(spikes, (x, w), g)
    h = reference.exponential(2.5) if kernel == "exponential" else reference.derivative(5, 3)
    expected = np.zeros((OUT, IN))
    for n in range(N):
        arguments = (x[:, n].detach().numpy(), w.detach().numpy(), g[:, n].numpy(), h, 5, 3, 1)
        by_w, by_t = reference.backward(*arguments, slope_limit, den_limit)
        expected += by_w
        np.testing.assert_allclose(for_t[:, n], scale * by_t, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(for_w, expected, rtol=1e-10, atol=1e-10)


def test_static_input_is_the_same_at_every_step() -> None:
    x, w, g = case(graded=True)
    once = x[:1].clone().requires_grad_()
    always = x[:1].expand(T, N, IN).clone().requires_grad_()
    w.requires_grad_()
    found = [
        torch.autograd.grad(spiking(y, w, Dense(), T, Dynamics(), PRESETS["paper"])[0], (y, w), g)
        for y in (once, always)
    ]
    torch.testing.assert_close(found[0][0], found[1][0].sum(0, keepdim=True), rtol=0, atol=1e-12)
    torch.testing.assert_close(found[0][1], found[1][1], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("stride", "padding"), [((1, 1), (0, 0)), ((1, 1), (2, 2)), ((2, 2), (1, 1))])
def test_convolution_is_a_dense_layer_of_its_matrix(
    stride: tuple[int, int], padding: tuple[int, int]
) -> None:
    draw = torch.Generator().manual_seed(1)
    x = (torch.rand(T, N, 2, 5, 6, generator=draw, dtype=torch.float64) < 0.4).double().requires_grad_()
    w = torch.randn(3, 2, 3, 3, generator=draw, dtype=torch.float64).requires_grad_()
    conv, options = Conv2d(stride, padding), PRESETS["paper"]
    spikes, _ = spiking(x, w, conv, T, Dynamics(), options)
    g = torch.randn(spikes.shape, generator=draw, dtype=torch.float64)
    units = torch.eye(60, dtype=torch.float64).view(60, 2, 5, 6)
    matrix = conv.current(units, w.detach()).flatten(1).T.contiguous().requires_grad_()
    flat = x.detach().flatten(2).requires_grad_()
    dense, _ = spiking(flat, matrix, Dense(), T, Dynamics(), options)
    assert torch.equal(dense, spikes.flatten(2))
    by_x, by_w = torch.autograd.grad(spikes, (x, w), g)
    by_flat, by_matrix = torch.autograd.grad(dense, (flat, matrix), g.flatten(2))
    torch.testing.assert_close(by_x.flatten(2), by_flat, rtol=1e-9, atol=1e-9)
    (expected,) = torch.autograd.grad(conv.current(units, w).flatten(1).T, w, by_matrix)
    torch.testing.assert_close(by_w, expected, rtol=1e-9, atol=1e-9)


def test_equality_fires_and_all_is_forgotten() -> None:
    dynamics = Dynamics(4.0, 2.0, 0.5)
    current = torch.tensor([1.0, 0.0, 0.0, 1.0], dtype=torch.float64).view(4, 1, 1)
    response = respond(current, 4, dynamics, dynamics.slope_kernel)
    assert response.potential.flatten().tolist() == [0.5, 0.0, 0.0, 0.5]
    assert response.fired.flatten().tolist() == [True, False, False, True]
    torch.testing.assert_close(response.weight, response.slope)
