"""Terms of energy: events, what each costs and where that is from."""

from __future__ import annotations

from dataclasses import dataclass

from neurodeploy.chip import Chip, Limit


@dataclass(frozen=True, slots=True)
class Cost:
    """One term: `count` events a sample at `joules_each`, None where no coefficient is public."""

    name: str
    part: str
    count: float
    joules_each: float | None
    grade: str
    basis: str
    source: str

    @property
    def joules(self) -> float | None:
        """Energy a sample; 0 where nothing happens, None where something does at an unknown cost."""
        if self.count == 0:
            return 0.0
        return None if self.joules_each is None else self.count * self.joules_each


def priced(coefficient: str, part: str, count: float, chip: Chip) -> Cost:
    """`count` events at the chip's energy of that name."""
    given: Limit[float] = getattr(chip.costs.energy, coefficient)
    return Cost(coefficient, part, count, given.value, given.grade, given.basis, given.source)
