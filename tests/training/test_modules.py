from __future__ import annotations

import numpy as np
import pytest
import torch

from neurodeploy.errors import UsageError
from neurodeploy.training.modules import (
    SPIKE_SCALE,
    LearnedScale,
    Memory,
    Recall,
    Remember,
    Residual,
    Scale,
    ScaledWSConv2d,
)


def standardized(weight: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """The equation, one output channel at a time."""
    result = np.empty_like(weight)
    for k, w in enumerate(weight):
        result[k] = (w - w.mean()) / np.sqrt(w.var(ddof=1) * w.size + 1e-4) * gain[k]
    return result


def test_effective_weight() -> None:
    conv = ScaledWSConv2d(3, 5, 3, padding=1).double()
    with torch.no_grad():
        conv.gain.uniform_(0.5, 2.0, generator=torch.Generator().manual_seed(0))
    expected = standardized(conv.weight.detach().numpy(), conv.gain.detach().numpy())
    assert conv.gain.shape == (5, 1, 1, 1)
    assert np.abs(conv.effective_weight().detach().numpy() - expected).max() < 1e-15
    x = torch.rand(2, 3, 6, 6, dtype=torch.float64)
    assert torch.equal(conv(x), torch.nn.functional.conv2d(x, conv.effective_weight(), conv.bias, padding=1))


def test_gradient_passes_mean_and_variance() -> None:
    conv = ScaledWSConv2d(2, 3, 3).double()
    x = torch.rand(1, 2, 4, 4, dtype=torch.float64)

    def output(weight: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(conv, {"weight": weight, "gain": gain}, (x,))

    assert torch.autograd.gradcheck(output, (conv.weight, conv.gain))
    conv(x).sum().backward()
    per_channel = conv.weight.grad.flatten(1).sum(1).abs()
    assert float(per_channel.max()) < 1e-12  # a constant added to all weights changes nothing


def test_currents_keep_the_variance() -> None:
    draw = torch.Generator().manual_seed(1)
    conv = ScaledWSConv2d(64, 64, 3)
    x = torch.randn(8, 64, 16, 16, generator=draw)
    assert float(conv(x).detach().var()) == pytest.approx(1.0, rel=0.1)
    spikes = SPIKE_SCALE * (torch.randn(100_000, generator=draw) >= 1.0).float()
    assert float(spikes.var()) == pytest.approx(1.0, rel=0.02)


def test_one_weight_has_no_variance() -> None:
    with pytest.raises(UsageError, match="one weight a channel has no variance"):
        ScaledWSConv2d(1, 4, 1)


def test_scales() -> None:
    x = torch.tensor([1.0, -2.0])
    assert Scale(2.74)(x).tolist() == pytest.approx([2.74, -5.48])
    learned = LearnedScale(0.2)
    assert learned(x).tolist() == [0.0, 0.0]
    with torch.no_grad():
        learned.gain.fill_(3.0)
    assert learned(x).tolist() == pytest.approx([0.6, -1.2])
    learned.reset_parameters()
    assert learned.gain.tolist() == [0.0]
    assert repr(Scale(2.0)) == "Scale(2.0)"


def test_residual() -> None:
    x = torch.rand(2, 3)
    assert torch.equal(Residual(Scale(2.0), torch.nn.Identity())(x), 2 * x + x)


def test_feedback_of_the_step_before() -> None:
    memory = Memory()
    conv = torch.nn.Conv2d(1, 2, 1)
    with torch.no_grad():
        conv.weight.fill_(10.0)
        conv.bias.fill_(1.0)
    recall, remember = Recall(memory, conv, 2), Remember(memory)
    current, f = torch.zeros(1, 2, 4, 4), torch.tensor([[[[1.0, 0.0], [0.0, 1.0]]]])
    assert recall(current) is current
    assert remember(f) is f
    fed_back = recall(current).detach()
    assert fed_back[0, 0].tolist() == [[11, 11, 1, 1], [11, 11, 1, 1], [1, 1, 11, 11], [1, 1, 11, 11]]
    recall.reset()
    assert recall(current) is current
