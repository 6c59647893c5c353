"""When a layer computes: model time against Lava's time steps."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Window:
    """The Lava time steps in which a layer computes, sample after sample.

    Lava delays by one time step per group of synapses. A layer `hop` groups behind the input computes step t
    of round n (a sample, or a batch of samples side by side) at Lava time step

        first + n * (steps * period + pause) + t * period,    first = hop + 1 (Lava counts from 1)

    `period` is 1 where layers work as a pipeline, more where a feedback connection, or learning, needs the result of a
    later layer before the next step. `pause` is 0 but where a sample has to be learned before the next one starts.
    Outside its window a layer neither integrates nor adds its bias.
    """

    first: int
    steps: int
    rounds: int
    period: int = 1
    pause: int = 0

    @staticmethod
    def at_hop(hop: int, steps: int, rounds: int, period: int = 1, pause: int = 0) -> Window:
        """The window of a layer that is `hop` groups of synapses behind the input."""
        return Window(hop + 1, steps, rounds, period, pause)

    @property
    def length(self) -> int:
        """Steps in the window: steps * rounds."""
        return self.steps * self.rounds

    @property
    def last(self) -> int:
        """The window's last Lava time step."""
        return self.first + (self.rounds - 1) * self._stride + (self.steps - 1) * self.period

    @property
    def _stride(self) -> int:
        return self.steps * self.period + self.pause

    def later(self, time_steps: int) -> Window:
        """The window of what happens so many time steps later."""
        return replace(self, first=self.first + time_steps)

    def place(self, time_step: int) -> tuple[int, int] | None:
        """(n, t), the round and its step at a Lava time step; None outside the window."""
        n, within = divmod(time_step - self.first, self._stride)
        t, between = divmod(within, self.period)
        return (n, t) if 0 <= n < self.rounds and t < self.steps and not between else None

    def row(self, time_step: int) -> int | None:
        """n * steps + t: which of all the window's steps it is; None outside the window."""
        place = self.place(time_step)
        return None if place is None else place[0] * self.steps + place[1]
