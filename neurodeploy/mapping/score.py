"""Energy and time of a step of a cut network, on expected loads."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from neurodeploy.mapping.partition import Cut
from neurodeploy.mapping.problem import Problem
from neurodeploy.resources import CoreUse, Part, split
from neurodeploy.resources.axons import OutAxons
from neurodeploy.resources.core import RESOURCES
from neurodeploy.resources.parts import per_part
from neurodeploy.resources.sharing import Needs, share_cores

HALVINGS = 12
"""Of the logarithm of a core's time, where layers share cores."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A cut network with its parts put on cores: parts by core, and what a step is expected to take.

    `busy`: seconds of each core, sending or receiving.

    joules: all events, hops as if cores were placed at random, and static power of the chips in use; seconds: the
    busiest core and the barrier. Both are means over steps: a lower bound of the time, as the busiest core changes.
    """

    cut: Cut
    cores: tuple[tuple[Part, ...], ...]
    uses: tuple[CoreUse, ...]
    busy: tuple[float, ...]
    chips: int
    joules: float
    seconds: float

    @property
    def edp(self) -> float:
        """Energy-delay product of a step, J s."""
        return self.joules * self.seconds


def estimated(problem: Problem, cut: Cut, bound: float) -> tuple[float, int]:
    """(energy-delay product, cores) with the resources of each layer's hardest part for all of its parts."""
    needs, limits = [], _limits(problem)
    for name, option in cut.items():
        one = problem.hardest_use(name, option.grid)
        needs.append(np.repeat([one], option.parts, axis=0))
    loads = _loads(problem, cut)
    every = np.concatenate([np.concatenate(needs), loads], axis=1)
    cores = _shared(problem, every, np.maximum([*limits, 0.0, 0.0], every.max(axis=0)), bound)
    joules, seconds, _ = _price(problem, cut, loads, cores)
    return joules * seconds, len(cores)


def planned(problem: Problem, cut: Cut, bound: float) -> Plan | None:
    """The same with every part counted exactly; None, and those cuts refused, where a part does not fit a core."""
    parts = {n: split(n, problem.network.neurons[n].shape, option.grid) for n, option in cut.items()}
    every = [part for found in parts.values() for part in found]
    found = [OutAxons(problem.resources, name, parts).of(option.grid) for name, option in cut.items()]
    axons = [count for counts in found for count in counts.ravel().tolist()]
    uses = [problem.resources.core([part], count) for part, count in zip(every, axons, strict=True)]
    wrong = {use.parts[0].layer for use in uses if not use.fits}
    if wrong:
        for name in wrong:
            problem.refuse(name, cut[name].grid)
        return None
    loads = _loads(problem, cut)
    needs = np.array([[use.use(r).used for r in RESOURCES] for use in uses], np.float64)
    cores = _shared(problem, np.concatenate([needs, loads], axis=1), [*_limits(problem), 0.0, 0.0], bound)
    joules, seconds, chips = _price(problem, cut, loads, cores)
    held = tuple(tuple(every[i] for i in core) for core in cores)
    together = tuple(problem.resources.core([every[i] for i in c], sum(axons[i] for i in c)) for c in cores)
    busy = tuple(float(loads[core].sum(axis=0).max()) for core in cores)
    return Plan(cut, held, together, busy, chips, joules, seconds)


def _limits(problem: Problem) -> list[float]:
    found = [getattr(problem.chip.core, resource).value for resource in RESOURCES]
    return [np.inf if limit is None else float(limit) for limit in found]


def _shared(problem: Problem, needs: Needs, limits: npt.ArrayLike, bound: float) -> list[list[int]]:
    """Parts on shared cores; the last two columns of `needs` are seconds, whose limits are found here.

    With a `bound` a shared core is no busier than the busiest that is not; where that takes too many cores, the least
    busy that does not, by bisection. Without one layers share whatever time it takes.
    """
    room, strict = np.array(limits, np.float64), float(needs[:, -2:].max())
    room[-2:] = np.inf if np.isinf(bound) else strict
    cores = share_cores(needs, room)
    if np.isinf(bound) or len(cores) <= problem.cores:
        return cores
    low, high = strict, float(needs[:, -2:].sum(axis=0).max())
    for _ in range(HALVINGS):
        room[-2:] = sqrt(low * high)
        found = share_cores(needs, room)
        if len(found) <= problem.cores:
            cores, high = found, float(room[-1])
        else:
            low = float(room[-1])
    return cores


def _loads(problem: Problem, cut: Cut) -> Needs:
    """Seconds that every part sends and receives in a step `(parts, 2)`."""
    grids = {name: option.grid for name, option in cut.items()}
    found = []
    for name, option in cut.items():
        sending = per_part(problem.sending(problem.network.neurons[name], grids), option.grid)
        found.append(np.stack([sending.ravel(), option.receiving.ravel()], axis=1))
    return np.concatenate(found)


def _price(problem: Problem, cut: Cut, loads: Needs, cores: list[list[int]]) -> tuple[float, float, int]:
    """Joules and seconds of a step, and chips."""
    busiest = max(float(loads[core].sum(axis=0).max()) for core in cores)
    seconds = busiest + problem.barrier(len(cores))
    chips = -(-len(cores) // problem.chip.chip.cores.value)
    joules = sum(option.joules + option.sent * problem.hop_joules(len(cores)) for option in cut.values())
    return problem.fixed_joules + joules + problem.watts * chips * seconds, seconds, chips
