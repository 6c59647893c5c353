"""Shared cores, chips and places: the steps alone."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest

from neurodeploy.chip import load_chip
from neurodeploy.mapping import Activity, Link
from neurodeploy.mapping.chips import split_chips
from neurodeploy.mapping.flow import Flow, Sums, packets_between
from neurodeploy.mapping.links import direct_links, mesh_links
from neurodeploy.mapping.place import SWEEPS, shorten
from neurodeploy.resources import Resources, layers, split
from neurodeploy.resources.fan import fan_out
from neurodeploy.resources.sharing import share_cores
from tests.resources.nets import conv


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


def flow_of(packets: Sums) -> Flow:
    origin, target = (ends.astype(np.int32) for ends in np.nonzero(packets))
    return Flow.of(len(packets), origin, target, packets[origin, target])


def test_packets_of_the_same_cores_are_joined() -> None:
    origin, target = np.array([2, 0, 2, 1], np.int32), np.array([1, 2, 1, 1], np.int32)
    flow = Flow.of(3, origin, target, np.array([0.5, 0.0, 1.5, 4.0]))
    assert (flow.origin.tolist(), flow.target.tolist(), flow.packets.tolist()) == ([1, 2], [1, 1], [4.0, 2.0])
    both = flow.both_ways()
    assert both.among(0, 3).tolist() == [[0, 0, 0], [0, 0, 2.0], [0, 2.0, 0]]
    assert both.among(0, 2).tolist() == [[0, 0], [0, 0]]


def test_chips_are_cut_where_fewest_packets_go() -> None:
    flow = np.zeros((6, 6))
    for core, packets in enumerate((9, 9, 1, 9, 9)):
        flow[core, core + 1] = packets
    assert split_chips(flow_of(flow), 2, 4) == [3, 6]
    assert split_chips(flow_of(flow), 2, 3) == [3, 6]
    assert split_chips(flow_of(flow), 1, 6) == [6]
    assert split_chips(flow_of(flow + flow[::-1, ::-1]), 3, 2) == [2, 4, 6]


def test_cuts_into_chips_are_the_best_of_all_where_few() -> None:
    flow = np.random.default_rng(3).random((9, 9))

    def between(ends: tuple[int, ...]) -> float:
        chip = np.repeat(range(3), np.diff([0, *ends, 9]))
        return float(flow[np.not_equal.outer(chip, chip)].sum())

    every = [ends for ends in combinations(range(1, 9), 2) if max(np.diff([0, *ends, 9])) <= 4]
    assert split_chips(flow_of(flow), 3, 4) == [*min(every, key=between), 9]


def test_places_are_the_best_of_all_where_few() -> None:
    rng = np.random.default_rng(1)
    flow = rng.random((6, 6))
    at = np.array([(i // 2, i % 2) for i in range(6)])
    distance = (np.abs(at[:, None] - at[None]) * [1.0, 1.5]).sum(axis=2)
    slots = shorten(flow_of(flow), at, (1.0, 1.5), np.zeros(6, np.int64))

    def ways(order: np.ndarray) -> float:  # type: ignore[type-arg]
        return float((flow * distance[np.ix_(order, order)]).sum())

    every = [ways(np.array(order)) for order in permutations(range(6))]
    assert sorted(slots.tolist()) == list(range(6))
    assert ways(slots) <= np.quantile(every, 0.02)
    assert ways(slots) < ways(np.arange(6))


def test_cores_stay_on_their_chip() -> None:
    flow = flow_of(np.random.default_rng(2).random((8, 8)))
    tiles, chip = np.stack([np.arange(8), np.zeros(8, np.int64)], axis=1), np.repeat([0, 1], 4)
    slots = shorten(flow, tiles, (1.0, 1.0), chip)
    assert (chip[slots] == chip).all()
    assert slots.tolist() != list(range(8))


def test_places_are_those_of_the_plain_rule() -> None:
    """Every exchange weighed over all pairs of cores, on three chips of four tiles with two cores each."""
    rng = np.random.default_rng(4)
    flow = rng.integers(0, 9, (24, 24)) * (rng.random((24, 24)) < 0.3).astype(float)
    tiles = np.array([divmod(slot // 2, 2) for slot in range(24)])
    distance, chip = (np.abs(tiles[:, None] - tiles[None]) * [2.0, 3.0]).sum(axis=2), np.repeat(range(3), 8)

    def ways(slots: list[int]) -> float:
        return float((flow * distance[np.ix_(slots, slots)]).sum())

    def exchanged(slots: list[int], i: int, j: int) -> list[int]:
        found = list(slots)
        found[i], found[j] = slots[j], slots[i]
        return found

    slots = list(range(24))
    for _ in range(SWEEPS):
        for core in range(24):
            others = [exchanged(slots, core, other) for other in np.flatnonzero(chip == chip[core])]
            best = min(others, key=ways)
            slots = best if ways(best) < ways(slots) else slots
    assert shorten(flow_of(flow), tiles, (2.0, 3.0), chip).tolist() == slots


def test_links_of_the_mesh_carry_every_hop() -> None:
    rng = np.random.default_rng(5)
    flow = flow_of(rng.random((20, 20)) * (rng.random((20, 20)) < 0.5))
    tiles = np.array([divmod(core // 2, 3) for core in range(20)])
    links = mesh_links(flow, tiles)
    hops = np.abs(tiles[flow.origin] - tiles[flow.target]).sum(axis=1)
    assert sum(link.packets for link in links) == pytest.approx(float((flow.packets * hops).sum()))
    assert {abs(np.subtract(link.source, link.target)).sum() for link in links} == {1}
    assert len({(link.source, link.target) for link in links}) == len(links)


def test_packets_go_along_their_row_first() -> None:
    flow = flow_of(np.array([[0, 0, 2.0], [0, 0, 0], [0, 0, 0]]))
    links = mesh_links(flow, np.array([[2, 1], [5, 5], [0, 0]]))
    assert links == (
        Link((0, 1), (0, 0), 2.0),
        Link((1, 1), (0, 1), 2.0),
        Link((2, 1), (1, 1), 2.0),
    )
    assert direct_links(flow, np.array([[2, 1], [5, 5], [0, 0]])) == (Link((2, 1), (0, 0), 2.0),)


def test_packets_between_cores_are_those_of_every_neuron() -> None:
    """A convolution with stride cut unevenly, against each neuron's spikes and what it reaches."""
    network = layers(conv(np.ones((6, 2, 3, 3)), (2, 13, 11), stride=2))
    grids = {"lif": (2, 3, 2), "end": (3,)}
    held = [(part,) for name in grids for part in split(name, network.neurons[name].shape, grids[name])]
    spikes = {name: np.random.default_rng(6).random(shape) for name, shape in network.sources.items()}
    resources = Resources(network, load_chip("loihi2"))
    flow = packets_between(resources, Activity(spikes, {}, "drawn"), held, grids).among(0, len(held))
    expected = np.zeros_like(flow)
    for to, (part,) in enumerate(held):
        for group in network.neurons[part.layer].groups:
            for at, (mine,) in enumerate(held):
                if mine.layer == group.source:
                    arriving = (fan_out(group, part.box) > 0) * spikes[group.source]
                    expected[at, to] += arriving[mine.slices].sum()
    assert np.allclose(flow, expected)
    assert np.count_nonzero(flow) == 36
