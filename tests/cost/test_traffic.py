"""Counts of a run against the plainest count there is: one spike, one synapse, one neuron at a time."""

from __future__ import annotations

from itertools import pairwise
from math import prod

import numpy as np
import pytest

from neurodeploy.backend import Result
from neurodeploy.chip import load_chip
from neurodeploy.cost import in_order, traffic
from neurodeploy.cost.placement import with_inputs
from neurodeploy.cost.traffic import Traffic, start_steps
from neurodeploy.errors import UnsupportedError, UsageError
from neurodeploy.ir import Delay, Flatten, Graph, IntConv, IntDense, IntInput, IntLIF, Op, Output
from neurodeploy.network import Network, Stimulus
from neurodeploy.resources import layers
from tests.cost.nets import events, mlp, traced

LOIHI1 = load_chip("loihi1")


def counted(network: Network, given: Stimulus, chip: str = "loihi1", inputs: int | None = None) -> Traffic:
    description = load_chip(chip)
    described = layers(network.graph)
    placement = in_order(described, description)
    if inputs is not None:
        placement = with_inputs(placement, described, inputs)
    return traffic(network, description, placement, given, traced(network, given))


def test_one_spike_through_two_layers() -> None:
    ops: dict[str, Op] = {
        "in": IntInput((2,), 1.0, 0, 1),
        "fc1": IntDense(np.array([[100, 0], [100, 0], [0, 50]]), 0),
        "lif1": IntLIF((3,), 4096, 0, 0, 64 * 100, "zero"),
        "fc2": IntDense(np.array([[100, 100, 100]]), 0),
        "lif2": IntLIF((1,), 4096, 0, 0, 64 * 1000, "zero"),
        "out": Output(),
    }
    network = Network(Graph(ops, list(pairwise(ops))), 2, "loihi1")
    found = counted(network, Stimulus(np.array([[[1, 0]], [[0, 0]]]), 2, False))
    # input 0 fires at step 0: lif1.0 and lif1.1 fire at chip step 1; both reach lif2, which keeps 200 to the end
    assert found.steps == 4
    by_step = {event: found.events[event][:, 0].tolist() for event in ("spikes", "packets_in", "updates")}
    assert by_step["spikes"] == [[0, 0], [2, 0], [0, 0], [0, 0]]
    assert by_step["packets_in"] == [[1, 0], [0, 2], [0, 0], [0, 0]]
    assert by_step["updates"] == [[0, 0], [3, 0], [0, 1], [0, 1]]
    assert (found.total("accesses"), found.total("packets_out")) == (4 * 4, 2)
    assert found.total("dense") == 3 + 2
    assert found.to_dict()["spikes"] == 2.0


def plain(network: Network, given: Stimulus) -> dict[str, int]:
    """Spikes of a convolution and of all, synapses other than 0 that they reach, updated neurons."""
    result = traced(network, given)
    conv = network.graph.op("c1")
    assert isinstance(conv, IntConv)
    from neurodeploy.ir.convolution import convolve

    size = prod(network.input.shape)
    units = np.eye(size).reshape(size, *network.input.shape)
    fan = np.count_nonzero(
        convolve(units, conv.weight_q.astype(float), conv.windows, conv.groups).reshape(size, -1), axis=1
    )
    synapses = 0
    for t in range(given.steps):
        for n in range(given.samples):
            active = np.flatnonzero(given.frame(t)[n])
            synapses += int(fan[active].sum())
    return {"conv": synapses, "spikes": int(sum(trace.spikes.sum() for trace in result.traces.values()))}


def test_convolution_against_a_plain_count() -> None:
    rng = np.random.default_rng(2)
    ops: dict[str, Op] = {
        "in": IntInput((2, 6, 6), 1.0, 0, 1),
        "c1": IntConv(rng.integers(20, 60, (3, 2, 3, 3)), 0, (2, 2), (1, 1, 1, 1), (1, 1)),
        "lif1": IntLIF((3, 3, 3), 4096, 500, 0, 64 * 100, "zero"),
        "flat": Flatten(),
        "fc2": IntDense(rng.integers(-9, 60, (4, 27)), 0),
        "lif2": IntLIF((4,), 4096, 0, 0, 64 * 100, "zero"),
        "out": Output(),
    }
    network = Network(Graph(ops, list(pairwise(ops))), 5, "loihi1")
    given = events(network, 3)
    found, expected = counted(network, given), plain(network, given)
    assert found.total("spikes") == expected["spikes"] > 0
    assert found.total("conv") == expected["conv"]


def test_parts_of_a_layer_add_up(tmp_path: pytest.TempPathFactory) -> None:
    network = mlp((20, 300, 5))
    given = events(network, 2)
    split = load_chip("loihi1")
    placement = in_order(layers(network.graph), split)
    assert len(placement.cores) == 2
    halves = tuple(
        type(part)(part.layer, box) for part in placement.cores[0] for box in (((0, 150),), ((150, 300),))
    )
    cut = type(placement)(
        (halves[:1], halves[1:], placement.cores[1]), placement.rows, placement.cores_per_tile
    )
    result = traced(network, given)
    one, two = (traffic(network, split, p, given, result) for p in (placement, cut))
    for event in ("accesses", "updates", "spikes", "dense"):
        assert one.total(event) == two.total(event)  # type: ignore[arg-type]
    assert two.total("packets_in") > one.total("packets_in")


def test_hops_follow_the_mesh() -> None:
    network = mlp((4, 3, 2), weight=100)
    given = Stimulus(np.ones((1, 1, 4), np.int64), 1, False)
    placed = in_order(layers(network.graph), LOIHI1)
    far = type(placed)((placed.cores[0], *[()] * 22, placed.cores[1]), placed.rows, placed.cores_per_tile)
    found = traffic(network, LOIHI1, far, given, traced(network, given))
    assert far.tile(23) == (1, 1)  # tile 5 of columns of 4
    assert (far.tiles, found.total("spikes")) == (2, 3 + 2)
    assert (found.hops_x.tolist(), found.hops_y.tolist()) == ([3], [3])


def test_layers_start_one_after_the_other() -> None:
    network = mlp((4, 3, 2, 2))
    assert start_steps(layers(network.graph)) == {"in": 0, "lif1": 1, "lif2": 2, "lif3": 3}


@pytest.mark.parametrize(
    ("delay", "updates"), [(2, [0, 0, 0, 1, 1]), (4, [0, 0, 0, 0, 0]), (6, [0, 0, 0, 0, 0])]
)
def test_delayed_spikes_arrive_later_or_not_at_all(delay: int, updates: list[int]) -> None:
    ops: dict[str, Op] = {
        "in": IntInput((1,), 1.0, 0, 1),
        "late": Delay((1,), delay, "value"),
        "fc": IntDense(np.array([[10]]), 0),
        "lif": IntLIF((1,), 4096, 4096, 0, 64 * 100, "zero"),
        "out": Output(),
    }
    network = Network(Graph(ops, list(pairwise(ops))), 4, "loihi1")
    given = Stimulus(np.array([1, 0, 0, 0]).reshape(4, 1, 1), 4, False)
    found = counted(network, given)
    assert found.events["updates"][:, 0, 0].tolist() == updates


def test_inputs_that_are_placed_send_packets() -> None:
    network, given = mlp((4, 3, 2), weight=100), Stimulus(np.ones((2, 1, 4), np.int64), 2, False)
    with_input = counted(network, given, inputs=1024)
    without = counted(network, given)
    assert with_input.total("packets_out") - without.total("packets_out") == 4 * 2


def test_needs_a_trace() -> None:
    network, given = mlp((4, 3, 2)), events(mlp((4, 3, 2)), 1)
    result = Result("engine", np.zeros((1, 1, 2), np.int64), None, 0.0)
    with pytest.raises(UsageError, match="has no trace of layer 'lif1'; run with trace=True"):
        traffic(network, LOIHI1, in_order(layers(network.graph), LOIHI1), given, result)


def test_needs_a_mesh() -> None:
    with pytest.raises(UnsupportedError, match="xylo-a2 has no mesh of equal cores"):
        in_order(layers(mlp((4, 3, 2)).graph), load_chip("xylo-a2"))
