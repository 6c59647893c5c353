"""Energy and time of a step of a cut network, on expected loads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from neurodeploy.mapping.group_load import Grid, per_part
from neurodeploy.mapping.partition import Cut
from neurodeploy.mapping.problem import Problem
from neurodeploy.resources import CoreUse, Part, split
from neurodeploy.resources.core import RESOURCES
from neurodeploy.resources.parts import even
from neurodeploy.resources.sharing import Needs, share_cores


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A cut network with its parts put on cores: parts by core, and what a step is expected to take.

    `busy`: seconds of each core, sending or receiving.

    joules: all events but hops, and static power of the chips in use over the step; seconds: the busiest core and the
    barrier. Both are means over steps: a lower bound of the time, as the busiest core changes.
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
    room = np.array([*limits, *_time_limits(loads, bound)])
    cores = share_cores(every, np.maximum(room, every.max(axis=0)))
    joules, seconds, _ = _price(problem, cut, loads, cores)
    return joules * seconds, len(cores)


def planned(problem: Problem, cut: Cut, bound: float) -> Plan | None:
    """The same with every part counted exactly; None, and those cuts refused, where a part does not fit a core."""
    parts = {n: split(n, problem.network.neurons[n].shape, option.grid) for n, option in cut.items()}
    every = [part for found in parts.values() for part in found]
    axons = [count for name, option in cut.items() for count in _out_axons(problem, name, option.grid, parts)]
    uses = [problem.resources.core([part], count) for part, count in zip(every, axons, strict=True)]
    wrong = {use.parts[0].layer for use in uses if not use.fits}
    if wrong:
        for name in wrong:
            problem.refuse(name, cut[name].grid)
        return None
    loads = _loads(problem, cut)
    needs = np.array([[use.use(r).used for r in RESOURCES] for use in uses], np.float64)
    limits = np.array([*_limits(problem), *_time_limits(loads, bound)])
    cores = share_cores(np.concatenate([needs, loads], axis=1), limits)
    joules, seconds, chips = _price(problem, cut, loads, cores)
    held = tuple(tuple(every[i] for i in core) for core in cores)
    found = tuple(problem.resources.core([every[i] for i in c], sum(axons[i] for i in c)) for c in cores)
    busy = tuple(float(loads[core].sum(axis=0).max()) for core in cores)
    return Plan(cut, held, found, busy, chips, joules, seconds)


def _out_axons(problem: Problem, name: str, grid: Grid, parts: Mapping[str, tuple[Part, ...]]) -> list[int]:
    """Output axons of every part of a layer, as `neurodeploy.resources.out_axons` counts them one by one."""
    found = np.zeros(grid)
    for user, group in problem.network.users(name):
        for destination in parts[user.name]:
            reached = problem.resources.reached(group, destination)
            if problem.resources.takes_populations(group):
                starts = [begin for begin, _ in even(len(reached), grid[0])]
                places = np.logical_or.reduceat(reached, starts, axis=0).astype(np.float64)
                found += per_part(places, (len(starts), *grid[1:])) * problem.resources.population_slots
            else:
                found += per_part(reached.astype(np.float64), grid)
    return [int(count) for count in found.ravel()]


def _limits(problem: Problem) -> list[float]:
    found = [getattr(problem.chip.core, resource).value for resource in RESOURCES]
    return [np.inf if limit is None else float(limit) for limit in found]


def _time_limits(loads: Needs, bound: float) -> list[float]:
    """A shared core is no busier than the busiest that is not."""
    limit = bound if np.isinf(bound) else max(float(loads.max()), 0.0)
    return [limit, limit]


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
    return problem.fixed_joules + _joules(cut) + problem.watts * chips * seconds, seconds, chips


def _joules(cut: Cut) -> float:
    return sum(option.joules for option in cut.values())
