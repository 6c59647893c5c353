"""Output axons of all parts at once against one part after the other."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest

from neurodeploy.chip import load_chip
from neurodeploy.ir import Graph, IntConv, IntInput, Op
from neurodeploy.resources import Resources, layers, out_axons, split
from neurodeploy.resources.axons import OutAxons
from neurodeploy.resources.fan import fan_out, places_seen
from tests.resources.nets import conv, dense, line, neurons

RNG = np.random.default_rng(4)


def pruned(*shape: int) -> np.ndarray:  # type: ignore[type-arg]
    return RNG.integers(1, 9, shape) * (RNG.random(shape) < 0.15)


def two_convolutions() -> Graph:
    """Two convolutions, most weights of the second 0."""
    kernel = IntConv(pruned(8, 6, 3, 3), 0, (1, 1), (1, 1, 1, 1), (1, 1))
    first = IntConv(np.ones((6, 1, 1, 1), np.int64), 0, (1, 1), (0, 0, 0, 0), (1, 1))
    ops: dict[str, Op] = {"in": IntInput((1, 8, 8), 1.0, 0, 1), "c1": first, "lif": neurons(6, 8, 8)}
    return line({**ops, "c2": kernel, "end": neurons(8, 8, 8)})


@pytest.mark.parametrize("chip", ["loihi1", "loihi2"])
@pytest.mark.parametrize(
    ("graph", "layer", "grid", "behind", "cut"),
    [
        (two_convolutions(), "lif", (2, 4, 1), "end", (3, 2, 1)),
        (two_convolutions(), "lif", (6, 2, 3), "end", (8, 1, 3)),
        (dense(pruned(30, 20), pruned(25, 30)), "lif1", (4,), "lif2", (6,)),
    ],
)
def test_all_parts_at_once(
    graph: Graph, layer: str, grid: tuple[int, ...], behind: str, cut: tuple[int, ...], chip: str
) -> None:
    resources = Resources(layers(graph), load_chip(chip))
    every = resources.network.neurons
    destinations = {behind: split(behind, every[behind].shape, cut)}
    expected = [out_axons(resources, part, destinations) for part in split(layer, every[layer].shape, grid)]
    counted = OutAxons(resources, layer, destinations)
    assert counted.of(grid).ravel().tolist() == expected
    assert len(set(expected)) > 1
    assert counted.within(grid, max(expected))
    assert not counted.within(grid, max(expected) - 1)


def test_a_part_reaches_nothing_outside_the_places_that_it_sees() -> None:
    (group,) = layers(conv(np.ones((4, 2, 3, 3)), (2, 9, 9), stride=2)).neurons["lif"].groups
    for part in split("lif", group.target, (1, 3, 2)):
        fan = fan_out(group, part.box)
        window = places_seen(group, part.box)
        assert np.count_nonzero(fan[(slice(None), *window)]) == np.count_nonzero(fan) > 0
        assert prod(fan[(slice(None), *window)].shape) < fan.size
