"""The mean over seeds and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from neurodeploy.errors import UsageError

# Student's t, 0.975 quantile for 1 .. 30 degrees of freedom (Fisher and Yates, Statistical Tables, table III).
_T975 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
MOST_SEEDS = len(_T975) + 1


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean and the half width of its 95 % interval, None for a single value."""

    mean: float
    half_width: float | None

    def to_dict(self) -> dict[str, float | None]:
        """Plain values."""
        return {"mean": self.mean, "half_width": self.half_width}


def mean_of(values: Sequence[float]) -> Mean:
    """mean +- t s / sqrt(n): s is the standard deviation with n - 1, t Student's quantile for n - 1.

    `values` are one for each seed; `UsageError` for none or more than 31.
    """
    n = len(values)
    if not 1 <= n <= MOST_SEEDS:
        raise UsageError(f"a scenario takes 1..{MOST_SEEDS} seeds, not {n}")
    mean = float(np.mean(values))
    return Mean(mean, None if n == 1 else float(_T975[n - 2] * np.std(values, ddof=1) / sqrt(n)))
