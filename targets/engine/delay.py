"""Delay lines."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.ir import Delay

Array = npt.NDArray[Any]


class DelayLine:
    """The last values of a layer, oldest first; zeros after the reset."""

    def __init__(self, op: Delay, dtype: npt.DTypeLike) -> None:
        self._op, self._dtype = op, dtype
        self.steps = op.steps

    def reset(self, samples: int) -> None:
        """Forget all values."""
        self.line: Array = np.zeros((self.steps, *self._op.shape, samples), self._dtype)

    def peek(self, steps: int) -> Array:
        """What comes out in the next `steps` steps, at most its own, before anything goes in."""
        return self.line[:steps]

    def advance(self, inputs: list[Array], steps: int) -> Array:
        """Take in `(T, *shape, N)` and return what comes out in these steps."""
        x = inputs[0]
        joined = np.concatenate([self.line, np.broadcast_to(x, (steps, *x.shape[1:]))])
        out, self.line = joined[:steps], joined[steps:]
        return out
