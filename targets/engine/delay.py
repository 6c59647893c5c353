"""Delay lines."""

from __future__ import annotations

from neurodeploy.ir import Delay
from neurodeploy.targets.engine.library import Array, Library


class DelayLine:
    """The last values of a layer, which lie within `low`..`high`, oldest first; zeros after the reset."""

    def __init__(self, op: Delay, low: int, high: int, library: Library) -> None:
        self._op, self._range, self._library = op, (low, high), library
        self.steps = op.steps

    def reset(self, samples: int) -> None:
        """Forget all values."""
        self.line: Array = self._library.silence(self._op, samples, *self._range)

    def peek(self, steps: int) -> Array:
        """What comes out in the next `steps` steps, at most its own, before anything goes in."""
        return self.line[:steps]

    def advance(self, inputs: list[Array], steps: int) -> Array:
        """Take in `steps` steps, or one that is the same in all, and return what comes out."""
        x = inputs[0]
        joined = self._library.joined([self.line, *[x] * (steps if len(x) == 1 else 1)])
        out, self.line = joined[:steps], joined[steps:]
        return out
