"""Small networks of every kind of layer, and batches for them, in double precision."""

from __future__ import annotations

import torch
from torch import nn

from neurodeploy.training import LIF
from neurodeploy.training.modules import (
    LearnedScale,
    Memory,
    Recall,
    Remember,
    Residual,
    Scale,
    ScaledWSConv2d,
)

T, N = 5, 6
SHAPE = (2, 8, 8)


def conv(decay: float = 0.5, reset: str = "subtract", norm: bool = False) -> nn.Sequential:
    """conv, LIF, pool, conv, LIF, pool, readout."""
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, bias=not norm),
        nn.BatchNorm2d(4) if norm else nn.Identity(),
        LIF(decay, 1.0, reset),  # type: ignore[arg-type]
        nn.AvgPool2d(2),
        nn.Conv2d(4, 6, 3, padding=1, stride=2, bias=not norm),
        nn.BatchNorm2d(6) if norm else nn.Identity(),
        LIF(decay, 1.0, reset),  # type: ignore[arg-type]
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(6, 3),
    )


def standardised() -> nn.Sequential:
    """Scaled weight standardisation, as OTTT's networks have it."""
    return nn.Sequential(
        ScaledWSConv2d(2, 4, 3, padding=1),
        LIF(),
        Scale(2.74),
        nn.AvgPool2d(2),
        ScaledWSConv2d(4, 6, 3),
        LIF(),
        Scale(2.74),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 3),
    )


def residual() -> nn.Sequential:
    """A block whose shortcut is the identity, and one with its own convolution."""
    body = nn.Sequential(
        nn.Conv2d(4, 4, 3, padding=1), LIF(), nn.Conv2d(4, 4, 3, padding=1), LearnedScale(1.5)
    )
    last = nn.Sequential(nn.Conv2d(4, 5, 3, padding=1, bias=False))
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        LIF(),
        nn.AvgPool2d(2),
        Residual(body, nn.Identity()),
        LIF(),
        Residual(last, nn.Conv2d(4, 5, 1)),
        LIF(),
        nn.Flatten(),
        nn.Linear(80, 3),
    )


def fed_back() -> nn.Sequential:
    """Scaled spikes of the second layer come back to the first, as in VGG-F, and those of a third to itself."""
    memory, own = Memory(), Memory()
    return nn.Sequential(
        ScaledWSConv2d(2, 4, 3, padding=1),
        Recall(memory, nn.Conv2d(6, 4, 3, padding=1), 4),
        LIF(),
        Scale(2.74),
        nn.AvgPool2d(2),
        ScaledWSConv2d(4, 6, 3, padding=1, stride=2),
        LIF(),
        Scale(2.74),
        Remember(memory),
        nn.Conv2d(6, 5, 1),
        Recall(own, nn.Conv2d(5, 5, 1, bias=False), 1),
        LIF(),
        Remember(own),
        nn.Flatten(),
        nn.Linear(20, 3),
    )


def spiking_readout() -> nn.Sequential:
    """A convolution and a dense layer that ends in neurons."""
    return nn.Sequential(nn.Conv2d(2, 4, 3, stride=2), LIF(0.7), nn.Flatten(), nn.Linear(36, 3), LIF(0.7))


def ready(module: nn.Sequential, seed: int = 0) -> nn.Sequential:
    """The module in double precision, with random numbers that make every layer spike."""
    draw = torch.Generator().manual_seed(seed)
    module = module.double()
    with torch.no_grad():
        for name, p in module.named_parameters():
            if "gain" in name:
                p.uniform_(0.5, 1.5, generator=draw)
            elif p.ndim > 1:
                bound = 3.0 / p[0].numel() ** 0.5
                p.uniform_(-bound, bound, generator=draw)
            else:
                p.uniform_(0.1, 0.6, generator=draw)
    return module


def batch(n: int = N) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    x = 2 * torch.rand(n, *SHAPE, generator=draw, dtype=torch.float64)
    return x, torch.randint(0, 3, (n,), generator=draw)


def frames_of(x: torch.Tensor, steps: int = T) -> torch.Tensor:
    """The samples as binary frames times x, `(T, N, ...)`."""
    draw = torch.Generator().manual_seed(2)
    return (torch.rand(steps, *x.shape, generator=draw) < 0.6).to(x.dtype) * x


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    """Largest difference by the largest of b."""
    return float((a - b).abs().max() / b.abs().max().clamp_min(1e-30))
