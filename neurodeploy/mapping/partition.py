"""Cutting all layers so that no core is busier than a bound, at the lowest price."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurodeploy.mapping.group_load import Grid
from neurodeploy.mapping.problem import Option, Problem
from neurodeploy.resources import Layer
from neurodeploy.resources.parts import per_part

Cut = dict[str, Option]


def cut_layers(problem: Problem, seconds: float, price: float, start: Cut) -> Cut | None:
    """An option for every layer, or None where the bound or the cores do not allow one.

    Each layer gets the option of the lowest `packets + price * parts` whose every part fits a core and neither sends
    nor receives for more than `seconds` of a step. Layers are cut from the last to the first, as what a part sends
    depends on the parts behind; `start` says how layers are cut that are not cut yet.
    """
    found = dict(start)
    for name in reversed(list(problem.network.neurons)):
        layer = problem.network.neurons[name]
        option = next(_allowed(problem, layer, seconds, price, found), None)
        if option is None:
            return None
        found[name] = option
    return {name: found[name] for name in problem.network.neurons}


def _allowed(problem: Problem, layer: Layer, seconds: float, price: float, found: Cut) -> Iterator[Option]:
    grids: dict[str, Grid] = {name: option.grid for name, option in found.items()}
    sending = problem.sending(layer, grids)
    options, total = problem.options(layer.name), float(sending.sum())
    for i in _order(options, seconds, price):
        grid = options[i].grid
        if total > seconds * options[i].parts or not problem.fits(layer.name, grid):
            continue
        if float(per_part(sending, grid).max()) > seconds:
            continue
        if problem.axons_fit(layer, grid, {**grids, layer.name: grid}):
            yield options[i]


def _order(options: list[Option], seconds: float, price: float) -> list[int]:
    """Options that receive for no more than `seconds`, the cheapest first; an infinite price asks for fewest parts."""
    parts = np.array([option.parts for option in options])
    packets = np.array([option.packets for option in options])
    busiest = np.array([option.busiest for option in options])
    keys = (packets, parts) if np.isinf(price) else (parts, packets + price * parts)
    order = np.lexsort(keys)
    return [int(i) for i in order if busiest[i] <= seconds]
