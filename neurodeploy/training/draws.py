"""Random numbers of torch that depend on whole numbers alone, not on what was drawn before."""

from __future__ import annotations

import numpy as np
import torch


def generator(*seed: int) -> torch.Generator:
    """A generator on the CPU for these numbers; other numbers give an independent one."""
    (drawn,) = np.random.SeedSequence(seed).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(drawn >> 1))
