from __future__ import annotations

import numpy as np
import pytest

from neurodeploy.chip import load_chip
from neurodeploy.errors import FitError, UnsupportedError
from neurodeploy.ir import Conv, Delay, Dense, Graph, Input, IntDense, Output, Readout, SumPool
from neurodeploy.resources import Resources, fewest_cores, layers, network_use
from tests.resources.nets import conv, full, line, neurons

LOIHI1 = load_chip("loihi1")


def cores(graph: Graph) -> dict[str, int]:
    found = fewest_cores(Resources(layers(graph), LOIHI1))
    assert all(core.fits for uses in found.values() for core in uses)
    return {name: len(uses) for name, uses in found.items()}


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [((784, 256, 10), [2, 1]), ((784, 1024, 1024, 10), [8, 9, 1]), ((10, 1025, 10), [2, 1])],
)
def test_fewest_cores(sizes: tuple[int, ...], expected: list[int]) -> None:
    assert list(cores(full(*sizes)).values()) == expected


def test_one_core_less_does_not_hold_it() -> None:
    resources = Resources(layers(full(784, 256, 10)), LOIHI1)
    (first, second), _ = fewest_cores(resources).values()
    whole = resources.core([first.parts[0], second.parts[0]])
    assert not whole.fits
    assert whole.use("synapse_memory").used == first.use("synapse_memory").used * 2


def test_output_axons_split_the_source() -> None:
    found = fewest_cores(Resources(layers(full(4, 1000, 3000, 4)), LOIHI1))
    axons = [core.use("out_axons").used for core in found["lif1"]]
    behind = len(found["lif2"])
    assert behind > 4
    assert max(axons) == behind * max(core.parts[0].neurons for core in found["lif1"]) <= 4096


def test_recurrence() -> None:
    ops = {
        "in": full(3, 1000).op("in"),
        "fc": IntDense(np.full((1000, 3), 5), 0),
        "back": Delay((1000,), 1),
        "rec": IntDense(np.full((1000, 1000), 5), 0),
        "lif": neurons(1000),
        "out": Output(),
    }
    edges = [("in", "fc"), ("fc", "lif"), ("lif", "back"), ("back", "rec"), ("rec", "lif"), ("lif", "out")]
    found = fewest_cores(Resources(layers(Graph(ops, edges)), LOIHI1))["lif"]
    assert all(core.fits for core in found)
    assert found[0].use("out_axons").used == found[0].parts[0].neurons * len(found)


def test_a_layer_that_no_core_can_hold() -> None:
    with pytest.raises(FitError) as caught:
        cores(full(5000, 10))
    assert str(caught.value) == (
        "layer 'lif1': one neuron alone needs 5000 in axons; a core of loihi1 has 4096 (904 over), so that no split "
        "helps. Give each neuron fewer inputs: a convolution, a pool, or pruned weights"
    )


def test_speck_matches_layers_to_cores() -> None:
    speck = load_chip("speck2f")
    use = network_use(layers(conv(np.ones((8, 2, 3, 3)), (2, 34, 34))), speck)
    assert use.problems == ()
    (first,), (last,) = use.layers.values()
    assert (first.use("kernel_words").used, first.use("neuron_words").used) == (2 << (4 + 3), 8 << (6 + 6))
    assert (last.use("kernel_words").used, last.use("neuron_words").used) == (8 << (11 + 2), 3)


@pytest.mark.parametrize(
    ("weight", "shape", "problem"),
    [
        (np.ones((8, 2, 3, 3)), (2, 130, 130), "layer 'lif' sees 130 places a side; speck2f has 128"),
        (np.ones((8, 2, 3, 3)), (2, 66, 66), "layer 'lif' has 66 places a side; speck2f has 64"),
        (np.ones((64, 64, 5, 5)), (64, 8, 8), "layer 'lif' needs 131072 kernel words and 4096 neuron words"),
    ],
)
def test_speck_refuses(weight: np.ndarray, shape: tuple[int, ...], problem: str) -> None:  # type: ignore[type-arg]
    problems = network_use(layers(conv(weight, shape)), load_chip("speck2f")).problems
    assert any(text.startswith(problem) for text in problems)


def test_xylo_counts_the_whole_network() -> None:
    assert network_use(layers(full(16, 63, 8)), load_chip("xylo-a2")).problems == ()
    problems = network_use(layers(full(17, 65, 100, 9)), load_chip("xylo-a2")).problems
    assert [text.split(";")[0] for text in problems] == [
        "needs 17 inputs",
        "needs 9 outputs",
        "needs 100 fan out",
    ]
    assert (
        network_use(layers(full(16, 129, 32)), load_chip("xylo-a3"))
        .problems[0]
        .startswith("needs 129 driven by")
    )


def test_a_float_graph_counts_as_its_integers_would() -> None:
    ops = {"in": Input((3,)), "fc": Dense(np.ones((2, 3)), np.zeros(2)), "read": Readout((2,), 1.0)}
    network = layers(line(ops))
    group = network.neurons["read"].groups[0]
    assert (group.bits, group.source, group.connections) == (8, "in", 6)


def test_what_is_not_lowered_is_refused() -> None:
    windows = ((2, 2), (2, 2), (0, 0, 0, 0))
    ops = {
        "in": Input((1, 4, 4)),
        "fc": Conv(np.ones((1, 1, 1, 1)), np.zeros(1), (1, 1), (0, 0, 0, 0), (1, 1)),
    }
    with pytest.raises(UnsupportedError, match="layer 'pool': 'sum_pool' is not lowered to synapses yet"):
        layers(line({**ops, "pool": SumPool(*windows), "read": Readout((1, 2, 2), 1.0)}))
