"""How long computations take beside each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from time import process_time


def median_times(steps: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median CPU seconds of each step over `rounds` runs, after one that does not count.

    They take turns, so that a machine that is busy for a while slows all of them.
    """
    for step in steps.values():
        step()
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            start = process_time()
            step()
            taken[name].append(process_time() - start)
    return {name: median(values) for name, values in taken.items()}
