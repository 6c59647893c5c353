from __future__ import annotations

import numpy as np
import pytest

from neurodeploy.ir import Graph
from neurodeploy.mapping.group_load import GroupLoad, distinct_counts, grids_of
from neurodeploy.resources import layers, split
from neurodeploy.resources.fan import fan_out
from neurodeploy.resources.parts import per_part
from tests.resources.nets import conv, dense

RNG = np.random.default_rng(3)


def convolution(stride: int, groups: int, inputs: int = 4, out: int = 6) -> Graph:
    weight = RNG.integers(1, 9, (out, inputs // groups, 3, 3)) * (
        RNG.random((out, inputs // groups, 3, 3)) < 0.9
    )
    weight[..., 1, 1] = 5
    return conv(weight, (inputs, 9, 7), stride=stride, groups=groups)


@pytest.mark.parametrize(
    ("graph", "name", "grid"),
    [
        (convolution(1, 1), "lif", (2, 3, 2)),
        (convolution(2, 1), "lif", (3, 2, 3)),
        (convolution(1, 2), "lif", (2, 2, 1)),
        (convolution(1, 1), "end", (2,)),
        (dense(RNG.integers(0, 3, (7, 11))), "lif1", (3,)),
    ],
)
def test_entries_are_those_of_every_part_counted_alone(
    graph: Graph, name: str, grid: tuple[int, ...]
) -> None:
    (group,) = layers(graph).neurons[name].groups
    rates = RNG.random(group.source_shape)
    kind = "sparse" if group.windows is None else "conv"
    packets, entries = GroupLoad(group, kind, rates).into(grid)  # type: ignore[arg-type]
    fans = [fan_out(group, part.box) for part in split(name, group.target, grid)]
    np.testing.assert_allclose(entries.ravel(), [(fan * rates).sum() for fan in fans], rtol=1e-5)
    exact = np.array([((fan > 0) * rates).sum() for fan in fans])
    assert (packets.ravel() >= exact - 1e-9).all()
    copies = GroupLoad(group, kind, rates).copies(grid)  # type: ignore[arg-type]
    assert (copies * rates).sum() == pytest.approx(packets.sum())


def test_packets_are_exact_where_no_weight_is_zero() -> None:
    (group,) = layers(conv(np.ones((4, 2, 3, 3)), (2, 8, 8), stride=2)).neurons["lif"].groups
    rates = RNG.random(group.source_shape)
    packets, _ = GroupLoad(group, "conv", rates).into((2, 2, 2))
    parts = split("lif", group.target, (2, 2, 2))
    expected = [((fan_out(group, part.box) > 0) * rates).sum() for part in parts]
    np.testing.assert_allclose(packets.ravel(), expected)


def test_sums_of_parts() -> None:
    values = RNG.random((5, 4))
    sums = per_part(values, (2, 2))
    assert [values[part.slices].sum() for part in split("x", (5, 4), (2, 2))] == pytest.approx(sums.ravel())


def test_cuts_that_make_pieces_smaller() -> None:
    assert distinct_counts(6) == [1, 2, 3, 6]
    assert grids_of((3, 2), 4) == [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1)]
