"""From a network and a chip to a mapping."""

from __future__ import annotations

import numpy as np

from neurodeploy.chip import Chip
from neurodeploy.cost import Placement
from neurodeploy.errors import UnsupportedError
from neurodeploy.mapping.activity import Activity, assumed_activity
from neurodeploy.mapping.chips import split_chips
from neurodeploy.mapping.flow import Flow, packets_between
from neurodeploy.mapping.links import direct_links, mesh_links
from neurodeploy.mapping.mapping import MappedCore, Mapping
from neurodeploy.mapping.place import Slots, Tiles, shorten
from neurodeploy.mapping.problem import Problem
from neurodeploy.mapping.score import Plan
from neurodeploy.mapping.search import Objective, best_plan, chips_worth_trying, fewest_chips
from neurodeploy.mapping.whole_layers import map_whole_layers
from neurodeploy.resources import Layers


def map_network(
    network: Layers,
    chip: Chip,
    activity: Activity | None = None,
    *,
    board: str | None = None,
    objective: Objective = "edp",
) -> Mapping:
    """Cut every layer, put the parts on cores, the cores on chips and on their meshes.

    1. The fewest chips of the board that hold the network (one without `board`), or for `edp` up to `MORE_CHIPS` times
    as many where the power of a chip and the barrier between chips are public: elsewhere another chip would seem to
    cost nothing. 2. Cuts and shared cores with the lowest energy-delay product of a step (`edp`) or the fewest cores
    (`cores`; always where no cost of time is public), every resource counted exactly (`neurodeploy.mapping.search`).
    3. Cores to chips by the fewest packets between chips. 4. Cores to tiles by the shortest ways.

    A chip whose cores hold whole layers (Speck) or the whole network (Xylo) gets its own rule. `activity` is assumed
    where none is given. The same arguments give the same mapping.

    Raises `FitError` for a layer that no core can hold and for more chips than the board has, `UsageError` for an
    unknown board.
    """
    rates = assumed_activity(network) if activity is None else activity
    most = chip.chips_on(board)
    if not chip.has_equal_cores:
        if most > 1:
            raise UnsupportedError(f"{chip.id} has no mesh of equal cores to spread over {most} chips")
        return map_whole_layers(network, chip, rates)
    problem, first = fewest_chips(network, chip, rates, most)
    if problem.busiest(first.cut) == 0:
        objective = "cores"
    plan = first
    if objective == "edp":
        plan = best_plan(problem.on(chips_worth_trying(chip, first.chips, most)), first)
    return _placed(problem, plan, board, objective)


def _placed(problem: Problem, plan: Plan, board: str | None, objective: Objective) -> Mapping:
    grids = {name: option.grid for name, option in plan.cut.items()}
    flow = packets_between(problem.resources, problem.activity, plan.cores, grids)
    ends = split_chips(flow, plan.chips, problem.chip.chip.cores.value)
    first = _slots(problem.chip, ends)
    empty = Placement((), *_mesh(problem.chip))
    slot_of = _short_ways(problem.chip, flow, first, empty)
    held = dict(zip(slot_of.tolist(), plan.cores, strict=True))
    placement = Placement(tuple(held.get(slot, ()) for slot in range(max(held) + 1)), *_mesh(problem.chip))
    mapped = [_core(plan, i, slot, placement) for i, slot in enumerate(slot_of.tolist())]
    tiles, on = _tiles(slot_of, placement), _chips(slot_of, placement)
    apart = flow.origin != flow.target
    crossings = float(flow.packets[on[flow.origin] != on[flow.target]].sum())
    return Mapping(
        chip=problem.chip.id,
        board=board,
        chips=plan.chips,
        objective=objective,
        activity=problem.activity.origin,
        cuts=grids,
        placement=placement,
        cores=tuple(sorted(mapped, key=lambda core: core.core)),
        packets=float(flow.packets[apart].sum()),
        crossings=crossings,
        links=mesh_links(flow, tiles) if problem.chip.chip.mesh.value else direct_links(flow, tiles),
        joules=plan.joules + crossings * problem.joules("link"),
        seconds=plan.seconds,
        unknown=problem.unknown(plan.chips),
    )


def _core(plan: Plan, i: int, slot: int, placement: Placement) -> MappedCore:
    use = plan.uses[i].binding
    parts = tuple(dict.fromkeys(part.layer for part in plan.cores[i]))
    return MappedCore(
        slot, placement.chip(slot), placement.tile(slot), parts, plan.busy[i], use.resource, use.share or 0.0
    )


def _mesh(chip: Chip) -> tuple[int, int, int | None]:
    """Rows, cores a tile, columns of one chip; without a mesh all cores are in one row of tiles."""
    mesh, per_tile = chip.chip.mesh.value, chip.chip.cores_per_tile.value or 1
    return (mesh[0], per_tile, mesh[1]) if mesh else (1, per_tile, -(-chip.chip.cores.value // per_tile))


def _capacity(chip: Chip) -> int:
    """Places for cores on one chip."""
    rows, per_tile, columns = _mesh(chip)
    return rows * per_tile * (columns or 1)


def _tiles(slots: Slots, placement: Placement) -> Tiles:
    return np.array([placement.tile(slot) for slot in slots.tolist()], np.int64)


def _chips(slots: Slots, placement: Placement) -> Slots:
    return np.array([placement.chip(slot) for slot in slots.tolist()], np.int64)


def _slots(chip: Chip, ends: list[int]) -> Slots:
    """The slot in which each core begins: the first of its chip, one after the other."""
    each = _capacity(chip)
    begins = [0, *ends[:-1]]
    runs = [
        np.arange(end - begin) + k * each for k, (begin, end) in enumerate(zip(begins, ends, strict=True))
    ]
    return np.concatenate(runs)


def _short_ways(chip: Chip, flow: Flow, first: Slots, empty: Placement) -> Slots:
    """Slots after cores of a chip have changed places."""
    hop = (chip.costs.energy.hop_x.value or 1.0, chip.costs.energy.hop_y.value or 1.0)
    found: Slots = first[shorten(flow, _tiles(first, empty), hop, _chips(first, empty))]
    return found
