"""In what number types values are kept between layers."""

from __future__ import annotations

import numpy as np


def integer_type(low: int, high: int) -> np.dtype[np.integer]:
    """The narrowest integer type that holds `low` <= 0 and `high` >= 0."""
    smallest: np.dtype[np.integer] = np.promote_types(np.min_scalar_type(low), np.min_scalar_type(high))
    return smallest
