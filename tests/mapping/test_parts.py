"""Shared cores, chips and places: the steps alone."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from neurodeploy.mapping.chips import split_chips
from neurodeploy.mapping.place import shorten
from neurodeploy.resources.sharing import share_cores


def test_parts_share_cores_within_every_limit() -> None:
    needs = np.array([[6.0, 1], [5, 1], [4, 9], [3, 1], [1, 1]])
    limits = np.array([10.0, np.inf])
    cores = share_cores(needs, limits)
    assert cores == [[0, 2], [1, 3, 4]]
    assert all((needs[core].sum(axis=0) <= limits).all() for core in cores)


def test_first_fit_on_many_random_parts() -> None:
    needs = np.random.default_rng(0).integers(1, 60, (200, 3)).astype(float)
    limits = np.array([100.0, 100, 100])
    cores = share_cores(needs, limits)
    assert sorted(part for core in cores for part in core) == list(range(200))
    assert all((needs[core].sum(axis=0) <= limits).all() for core in cores)
    sums = np.array([needs[core].sum(axis=0) for core in cores])
    assert len(cores) < 2 * np.ceil(needs.sum(axis=0).max() / 100) + 1
    assert (sums <= 50).all(axis=1).sum() <= 1  # two cores that are half empty would have been one


def test_chips_are_cut_where_fewest_packets_go() -> None:
    flow = np.zeros((6, 6))
    for core, packets in enumerate((9, 9, 1, 9, 9)):
        flow[core, core + 1] = packets
    assert split_chips(flow, 2, 4) == [3, 6]
    assert split_chips(flow, 2, 3) == [3, 6]
    assert split_chips(flow, 1, 6) == [6]
    assert split_chips(flow + flow[::-1, ::-1], 3, 2) == [2, 4, 6]


def test_places_are_the_best_of_all_where_few() -> None:
    rng = np.random.default_rng(1)
    flow = rng.random((6, 6))
    at = np.array([(i // 2, i % 2) for i in range(6)])
    distance = np.abs(at[:, None] - at[None]).sum(axis=2).astype(float)
    slots = shorten(flow, distance, np.zeros(6, np.int64))

    def ways(order: np.ndarray) -> float:  # type: ignore[type-arg]
        return float((flow * distance[np.ix_(order, order)]).sum())

    every = [ways(np.array(order)) for order in permutations(range(6))]
    assert sorted(slots.tolist()) == list(range(6))
    assert ways(slots) <= np.quantile(every, 0.02)
    assert ways(slots) < ways(np.arange(6))


def test_cores_stay_on_their_chip() -> None:
    flow = np.random.default_rng(2).random((8, 8))
    distance = np.abs(np.subtract.outer(np.arange(8.0), np.arange(8.0)))
    chip = np.repeat([0, 1], 4)
    assert (chip[shorten(flow, distance, chip)] == chip).all()
