"""Limits of Loihi's cores as nengo-loihi documents them (block.py, validate.py): accepted and refused networks."""

from __future__ import annotations

import numpy as np
import pytest

from neurodeploy.chip import load_chip
from neurodeploy.ir import Graph
from neurodeploy.resources import CoreUse, Part, Resources, layers, out_axons, split, whole
from neurodeploy.resources.words import index_bits, list_words
from tests.resources.nets import conv, dense, full, neurons

LOIHI1 = load_chip("loihi1")
BLOCKS = LOIHI1.synapse.blocks
assert BLOCKS is not None


def on_one_core(graph, name: str = "lif1", destinations: int = 1) -> CoreUse:  # type: ignore[no-untyped-def]
    """A whole layer on one core; every layer behind it in so many parts."""
    resources = Resources(layers(graph), LOIHI1)
    every = resources.network.neurons
    behind = {
        n: split(n, layer.shape, (destinations, *(1,) * (len(layer.shape) - 1)))
        for n, layer in every.items()
        if n != name
    }
    part = Part(name, whole(every[name].shape))
    return resources.core([part], out_axons(resources, part, behind))


def places(rows: int, columns: int, channels: int = 1) -> Graph:
    """A convolution of 1x1 on such a map, and 8 fully connected neurons behind."""
    ones = np.ones((channels, 1, 1, 1))
    return conv(ones, (1, rows, columns), padding=0, outputs=8)


@pytest.mark.parametrize(
    ("graph", "destinations", "resource", "used", "fits"),
    [
        (full(1, 1024), 1, "neurons", 1024, True),
        (full(1, 1025), 1, "neurons", 1025, False),
        (full(1, 1200), 1, "neurons", 1200, False),
        (full(1, 512, reset="subtract"), 1, "neurons", 1024, True),
        (full(1, 513, reset="subtract"), 1, "neurons", 1026, False),
        (full(4096, 2), 1, "in_axons", 4096, True),
        (full(4097, 2), 1, "in_axons", 4097, False),
        (full(5000, 410), 1, "in_axons", 5000, False),
        (full(1, 1024, 4), 4, "out_axons", 4096, True),
        (full(1, 1000, 5), 5, "out_axons", 5000, False),
        (full(500, 600), 1, "synapse_memory", 500 * (9 * 72 + 32), False),
        (full(200, 500), 1, "synapse_memory", 200 * (7 * 72 + 56), True),
    ],
)
def test_accepted_and_refused(graph, destinations: int, resource: str, used: int, fits: bool) -> None:  # type: ignore[no-untyped-def]
    use = on_one_core(graph, destinations=destinations).use(resource)
    assert (use.used, use.fits) == (used, fits)


@pytest.mark.parametrize(
    ("synapses", "bits", "words"),
    [(0, 8, 0), (1, 8, 1), (6, 8, 1), (7, 8, 2), (64, 8, 9), (65, 8, 10), (128, 8, 18), (64, 18, 19)],
)
def test_words_of_a_list(synapses: int, bits: int, words: int) -> None:
    assert BLOCKS is not None
    assert list_words(synapses, bits, BLOCKS) == words


@pytest.mark.parametrize(("targets", "bits"), [(1, 0), (2, 6), (64, 6), (65, 7), (1024, 10), (4096, 12)])
def test_bits_of_an_index(targets: int, bits: int) -> None:
    assert BLOCKS is not None
    assert index_bits(targets, BLOCKS) == bits


def test_sparse_lists_take_less() -> None:
    weight = np.zeros((500, 100), int)
    weight[::100] = 100
    memory = on_one_core(dense(weight)).use("synapse_memory").used
    assert memory == 100 * 8 * 2  # 5 synapses of 8 + 9 bits and 10 more, for 100 axons


def test_unused_sources_take_no_axon() -> None:
    weight = np.full((4, 10), 7)
    weight[:, 3:] = 0
    assert on_one_core(dense(weight)).use("in_axons").used == 3


def test_convolution_shares_lists_and_takes_one_axon_a_place() -> None:
    use = on_one_core(conv(np.full((4, 2, 3, 3), 100), (2, 8, 8)), "lif")
    assert use.use("in_axons").used == 64
    # 8 pairs of channels in 9 windows of 4, 6 or 9 places: 32, 48, 72 synapses with indices of up to 7 bits
    spans = {32: (1 * 8 + 1) * 4 + 4, 48: (1 * 8 + 2) * 4 + 4, 72: (2 * 8 + 2) * 4 + 4}
    assert max(spans.values()) == 76
    corner = 4 * -(-(32 * (8 + 6) + 10) // 64)
    flat = 2 * -(-(48 * (8 + 6) + 10) // 64)
    tall = 2 * -(-(48 * (8 + 7) + 10) // 64)
    middle = -(-(64 * 15 + 10) // 64) - (-(8 * 15 + 10) // 64)
    assert use.use("synapse_memory").used == 8 * (corner + flat + tall + middle)


@pytest.mark.parametrize(
    ("graph", "name", "destinations", "resource", "used", "fits"),
    [
        (places(64, 64), "lif", 1, "in_axons", 4096, True),
        (places(65, 64), "lif", 1, "in_axons", 4160, False),
        (places(64, 32, channels=7), "end", 1, "in_axons", 2048, True),
        (places(32, 32), "lif", 2, "out_axons", 4096, True),
        (places(32, 32), "lif", 3, "out_axons", 6144, False),
        (places(16, 16, channels=4), "lif", 8, "out_axons", 4096, True),
    ],
)
def test_population_axons(
    graph: Graph, name: str, destinations: int, resource: str, used: int, fits: bool
) -> None:
    """A place takes one input axon whatever its channels, and two output axons for each core behind."""
    use = on_one_core(graph, name, destinations).use(resource)
    assert (use.used, use.fits) == (used, fits)


def test_settings_that_differ() -> None:
    graph = full(2, 6)
    thresholds = np.array([64, 64, 128, 128, 192, 192])
    graph = graph.replaced({"lif1": neurons(6, threshold_q=thresholds, dv=np.array([0, 0, 0, 0, 0, 9]))})
    use = on_one_core(graph)
    assert (use.use("threshold_settings").used, use.use("neuron_settings").used) == (3, 2)
