"""The lowest energy-delay product over bounds of the busiest core's time and prices of a core."""

from __future__ import annotations

from itertools import product
from math import inf
from typing import Literal

import numpy as np

from neurodeploy.chip import Chip
from neurodeploy.errors import FitError
from neurodeploy.mapping.activity import Activity
from neurodeploy.mapping.group_load import Grid
from neurodeploy.mapping.partition import Cut, cut_layers
from neurodeploy.mapping.problem import Problem
from neurodeploy.mapping.score import Plan, estimated, planned
from neurodeploy.resources import Layers, Resources

Objective = Literal["edp", "cores"]
BOUNDS = 16
"""Bounds that are tried, in equal ratios."""
CLOSER = 6
"""Bounds that are tried again on either side of the best."""
Scored = tuple[float, float, float]
"""Energy-delay product, bound, price."""
PRICES = (0.0, 0.3, 3.0, inf)
"""Prices of a core, in mean packets that a core of a full chip takes in a step; infinite: fewest cores first."""

MORE_CHIPS = 4
"""How many times the fewest chips are tried where their costs are public."""


def chips_worth_trying(chip: Chip, fewest: int, most: int) -> int:
    """The most chips of `most` that the search may use, where `fewest` hold the network."""
    public = (
        chip.costs.energy.static_power.value is not None
        and chip.costs.latency.barrier_chips.value is not None
    )
    return min(MORE_CHIPS * fewest, most) if public else fewest


def fewest_chips(network: Layers, chip: Chip, activity: Activity, most: int) -> tuple[Problem, Plan]:
    """The network cut for fewest cores on the fewest chips; raises `FitError` where `most` do not hold it."""
    chips = min(_least_chips(network, chip), most)
    while True:
        problem = Problem(network, chip, activity, chips * chip.chip.cores.value)
        plan = settled(problem, inf, inf, {})
        if plan is not None and len(plan.cores) <= problem.cores:
            return problem, plan
        if chips == most:
            raise FitError(_no_room(problem, None if plan is None else len(plan.cores)))
        needed = chips + -(-chips // 4) if plan is None else -(-len(plan.cores) // chip.chip.cores.value)
        chips = min(max(needed, chips + 1), most)


def settled(problem: Problem, bound: float, price: float, start: Cut) -> Plan | None:
    """Cut, count every part exactly, and cut again without what did not fit; None where no cut is left."""
    while True:
        cut = cut_layers(problem, bound, price, start)
        if cut is not None and not start:  # recurrent destinations were not cut in the first pass
            cut = cut_layers(problem, bound, price, cut)
        if cut is None:
            return None
        plan = planned(problem, cut, bound)
        if plan is not None:
            return plan


def _least_chips(network: Layers, chip: Chip) -> int:
    """No fewer chips have room for all neurons and all weights."""
    resources, core = Resources(network, chip), chip.core
    neurons = sum(layer.neurons * resources.compartments(layer) for layer in network.neurons.values())
    bits = sum(int(np.count_nonzero(g.present)) * g.bits for n in network.neurons.values() for g in n.groups)
    cores = max(neurons / core.neurons.value, bits / 8 / (core.synapse_memory.value or inf))
    return max(1, -(-int(cores) // chip.chip.cores.value))


def best_plan(problem: Problem, first: Plan) -> Plan:
    """The plan with the lowest energy-delay product that the search finds; `first` is cut for fewest cores.

    1. Bounds in equal ratios from the busiest core of `first` down, each at every price. 2. Bounds around the best.
    3. The best by estimate is counted exactly, part by part; where a part does not fit it is cut again.
    """
    for _, bound, price in _sweep(problem, first.cut):
        plan = settled(problem, bound, price, first.cut)
        if plan is not None and len(plan.cores) <= problem.cores:
            return min(plan, first, key=lambda one: one.edp)
    return first


def _sweep(problem: Problem, first: Cut) -> list[Scored]:
    most = problem.busiest(first)
    packets = sum(option.packets for option in first.values()) / problem.cores
    prices = tuple(price * packets if price < inf else inf for price in PRICES)
    coarse = _score(problem, first, np.geomspace(most, most / problem.cores, BOUNDS).tolist(), prices)
    _, bound, price = min(coarse, default=(0.0, most, inf))
    ratio = problem.cores ** (1 / (BOUNDS - 1))
    near = np.geomspace(bound * ratio, bound / ratio, 2 * CLOSER + 1).tolist()
    return sorted(coarse + _score(problem, first, near, (price,)))


def _score(problem: Problem, first: Cut, bounds: list[float], prices: tuple[float, ...]) -> list[Scored]:
    """What the cores hold of the cuts under these bounds, the same cut once."""
    found: dict[tuple[Grid, ...], Scored] = {}
    for bound, price in product(bounds, prices):
        cut = cut_layers(problem, bound, price, first)
        if cut is None or (key := tuple(option.grid for option in cut.values())) in found:
            continue
        edp, cores = estimated(problem, cut, bound)
        if cores <= problem.cores:
            found[key] = (edp, bound, price)
    return list(found.values())


def _no_room(problem: Problem, needed: int | None) -> str:
    """The message where the chips do not hold the network; `needed` cores None: some layer has no cut at all."""
    each = problem.chip.chip.cores.value
    boards = ", ".join(f"{name} ({one.value} chips)" for name, one in problem.chip.boards.items())
    remedy = "Try a larger --board, fewer --bits or a smaller layer" + (
        f"; boards: {boards}" if boards else ""
    )
    if needed is not None:
        return (
            f"needs at least {needed} cores even when layers share cores, {-(-needed // each)} chips of "
            f"{problem.chip.id}; there are {problem.cores} ({needed - problem.cores} over). {remedy}"
        )
    for name, layer in problem.network.neurons.items():
        if not any(problem.fits(name, option.grid) for option in problem.options(name)):
            return (
                f"layer '{name}' ({layer.neurons} neurons) does not fit {problem.cores} cores of {problem.chip.id} at "
                f"any cut. {remedy}"
            )
    return (
        f"no cut keeps the output axons of every core within the {problem.chip.core.out_axons.value} of "
        f"{problem.chip.id} on {problem.cores} cores. {remedy}"
    )
