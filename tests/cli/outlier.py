"""A MODEL with one weight far from all others."""

from __future__ import annotations

import torch

from tests.frontends.modules import small


def model() -> torch.nn.Sequential:
    made = small()
    with torch.no_grad():
        made.fc1.weight[0, 0] = 6.0  # type: ignore[union-attr,operator]
    return made
