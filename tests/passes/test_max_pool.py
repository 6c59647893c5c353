from __future__ import annotations

import numpy as np
import pytest

from neurodeploy.compiler import CompileConfig, QuantConfig, compile_graph
from neurodeploy.errors import UnsupportedError
from neurodeploy.ir import LIF, Add, Concat, Conv, Delay, Flatten, Graph, Input, MaxPool, Readout, Scale
from neurodeploy.ir.interpreter import interpret
from neurodeploy.passes import Notes, run_passes
from neurodeploy.passes.lower import lower
from neurodeploy.passes.max_pool import MaxPoolNeurons
from tests.passes.lowering import STEPS, Builder, assert_same, conv, dense, frames, lif

POOL = MaxPool((2, 2), (2, 2), (0, 0, 0, 0))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def without_max_pools(graph: Graph, notes: Notes) -> Graph:
    return run_passes(graph, (MaxPoolNeurons(),), notes)


def pooled(rng: np.random.Generator, pool: MaxPool = POOL, **settings: object) -> Graph:
    b = Builder(Input((2, 6, 6)))
    at = b.chain("in", conv1=conv(rng, 3, 2, padding=1), lif1=lif((3, 6, 6), **settings), pool=pool)
    shape = pool.windows.places((6, 6))
    return b.graph(b.chain(at, conv2=conv(rng, 2, 3, padding=1), out1=Readout((2, *shape), 0.5)))


@pytest.mark.parametrize(
    "pool", [POOL, MaxPool((3, 3), (2, 2), (1, 1, 1, 1)), MaxPool((3, 2), (1, 2), (0, 1, 2, 0))]
)
def test_neurons_spike_where_the_largest_input_does(rng: np.random.Generator, pool: MaxPool) -> None:
    graph = pooled(rng, pool)
    notes: Notes = []
    neurons = without_max_pools(graph, notes)
    x = frames(graph, rng)
    before, after = (interpret(g, x, STEPS, time_axis=True, dtype=np.float64) for g in (graph, neurons))
    spikes = before.spikes["lif1"]
    padded = np.pad(
        spikes, [(0, 0)] * 3 + [(pool.padding[0], pool.padding[2]), (pool.padding[1], pool.padding[3])]
    )
    windows = np.lib.stride_tricks.sliding_window_view(padded, pool.kernel, axis=(3, 4))
    largest = windows[:, :, :, :: pool.stride[0], :: pool.stride[1]].max(axis=(-2, -1))
    assert 0 < largest.mean() < 1
    np.testing.assert_array_equal(after.spikes["pool"], largest)
    np.testing.assert_array_equal(after.membrane["out1"], before.membrane["out1"])
    assert [n for n in notes if n.layer == "pool"] == notes
    assert f"by {largest[0, 0].size} neurons" in notes[0].what


def test_form_of_the_neurons(rng: np.random.Generator) -> None:
    lowered = assert_same(pooled(rng), frames(pooled(rng), rng))
    assert lowered.sources("pool") == ("pool.sum",)
    assert lowered.op("pool") == LIF((3, 3, 3), 0.0, 1.0, "zero", "ge")
    sums = lowered.op("pool.sum")
    assert isinstance(sums, Conv)
    assert (sums.groups, sums.weight.shape, set(sums.weight.ravel())) == (3, (3, 1, 2, 2), {1.0})


@pytest.mark.parametrize("bits", [2, 8])
def test_integers_are_exact(rng: np.random.Generator, bits: int) -> None:
    """One spike just reaches the integer threshold."""
    b = Builder(Input((1, 4, 4), "binary"))
    graph = b.graph(b.chain("in", pool=POOL, flat=Flatten(), fc=dense(rng, 3, 4), out1=Readout((3,), 1.0)))
    x = rng.integers(0, 2, (20, 1, 4, 4))
    largest = x.reshape(20, 1, 2, 2, 2, 2).max(axis=(3, 5))
    config = CompileConfig(quant=QuantConfig(bits=bits))
    spikes = (
        compile_graph(lower(graph, []), x, steps=2, config=config)
        .run(x, trace=True)
        .traces["pool.spikes"]
        .spikes
    )
    np.testing.assert_array_equal(spikes.reshape(2, *largest.shape), np.stack([largest] * 2))


def test_values_stay_values(rng: np.random.Generator) -> None:
    """A pool of binary input passes on values, which a join with the input and a delay need."""
    b = Builder(Input((1, 4, 4), "binary"))
    at = b.chain("in", pool=MaxPool((3, 3), (1, 1), (1,) * 4), later=Delay((1, 4, 4), 1, "value"))
    both = b.add("cat", Concat(), at, "in")
    graph = b.graph(b.chain(both, conv=conv(rng, 2, 2), lif=lif((2, 2, 2))))
    made = without_max_pools(graph, [])
    assert made.op("pool") == Scale(1.0)
    assert {name: made.types[name] for name in graph.names} == graph.types
    lowered = assert_same(graph, frames(graph, rng))
    assert [lowered.sources(group)[0] for group in lowered.sources("lif")] == ["later", "in"]


def test_pools_behind_each_other(rng: np.random.Generator) -> None:
    b = Builder(Input((1, 8, 8), "binary"))
    graph = b.graph(b.chain("in", first=POOL, second=POOL, conv=conv(rng, 2, 1, 2), lif=lif((2, 1, 1))))
    assert_same(graph, frames(graph, rng))


def test_what_is_not_binary_is_refused(rng: np.random.Generator) -> None:
    b = Builder(Input((2, 6, 6)))
    of_currents = b.graph(b.chain("in", conv=conv(rng, 2, 2, padding=1), pool=POOL, lif=lif((2, 3, 3))))
    b = Builder(Input((2, 6, 6), "event"))
    of_events = b.graph(b.chain("in", pool=POOL, conv=conv(rng, 2, 2), lif=lif((2, 1, 1))))
    b = Builder(Input((2, 6, 6)))
    one = b.chain("in", c1=conv(rng, 2, 2, padding=1), lif1=lif((2, 6, 6)))
    two = b.chain("in", c2=conv(rng, 2, 2, padding=1), lif2=lif((2, 6, 6)))
    of_sums = b.graph(
        b.chain(b.add("add", Add(), one, two), pool=POOL, c3=conv(rng, 2, 2), lif=lif((2, 1, 1)))
    )
    for graph, cause in (
        (of_currents, "'conv' (conv) gives currents"),
        (of_events, "the input 'in' is event"),
        (of_sums, "'add' (add) gives values"),
        (pooled(rng, max_spikes=2), "'lif1' spikes up to 2 times a step"),
    ):
        with pytest.raises(UnsupportedError) as caught:
            without_max_pools(graph, [])
        assert str(caught.value) == (
            f"max-pool: layer 'pool': only the maximum of binary spikes can be made of neurons, but {cause}; "
            "use average pooling, or pool the spikes behind the neurons"
        )


@pytest.mark.parametrize("padding", [(2, 0, 0, 0), (0, 0, 0, 4)])
def test_window_of_padding_alone_is_refused(rng: np.random.Generator, padding: tuple[int, ...]) -> None:
    graph = pooled(rng, MaxPool((2, 2), (1, 1), padding))
    with pytest.raises(UnsupportedError, match=r"layer 'pool': a window \(2, 2\) lies wholly in the padding"):
        without_max_pools(graph, [])
