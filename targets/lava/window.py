"""When a layer computes: model time against Lava's time steps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """The Lava time steps in which a layer computes, sample after sample without a gap.

    Lava delays by one time step per group of synapses. A layer `hop` groups behind the input computes step t
    of sample n at Lava time step `first + n * steps + t`, where first = hop + 1 (Lava counts from 1). Before
    and after its window a layer neither integrates nor adds its bias.
    """

    first: int
    steps: int
    samples: int

    @staticmethod
    def at_hop(hop: int, steps: int, samples: int) -> Window:
        """The window of a layer that is `hop` groups of synapses behind the input."""
        return Window(hop + 1, steps, samples)

    @property
    def length(self) -> int:
        """Time steps in the window: steps * samples."""
        return self.steps * self.samples

    @property
    def last(self) -> int:
        """The window's last Lava time step."""
        return self.first + self.length - 1

    def place(self, time_step: int) -> tuple[int, int] | None:
        """(n, t), the sample and its step at a Lava time step; None outside the window."""
        row = time_step - self.first
        return divmod(row, self.steps) if 0 <= row < self.length else None
