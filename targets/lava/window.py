"""When a layer computes: model time against Lava's time steps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """The Lava time steps in which a layer computes, sample after sample without a gap.

    Lava delays by one time step per group of synapses. A layer `hop` groups behind the input computes step t
    of round n (a sample, or a batch of samples side by side) at Lava time step first + (n * steps + t) * period,
    where first = hop + 1 (Lava counts from 1). `period` is 1 where layers work as a pipeline, more where a
    feedback connection needs the result of a later layer before the next step. Outside its window a layer neither
    integrates nor adds its bias.
    """

    first: int
    steps: int
    rounds: int
    period: int = 1

    @staticmethod
    def at_hop(hop: int, steps: int, rounds: int, period: int = 1) -> Window:
        """The window of a layer that is `hop` groups of synapses behind the input."""
        return Window(hop + 1, steps, rounds, period)

    @property
    def length(self) -> int:
        """Steps in the window: steps * rounds."""
        return self.steps * self.rounds

    @property
    def last(self) -> int:
        """The window's last Lava time step."""
        return self.first + (self.length - 1) * self.period

    def place(self, time_step: int) -> tuple[int, int] | None:
        """(n, t), the round and its step at a Lava time step; None outside the window."""
        row, between = divmod(time_step - self.first, self.period)
        return divmod(row, self.steps) if 0 <= row < self.length and not between else None
