from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest

from neurodeploy.errors import NeurodeployError
from neurodeploy.ir import LIF, Dense, Graph, Input, Readout
from neurodeploy.passes import Notes, run_passes
from neurodeploy.passes.lower import LOWERING
from neurodeploy.passes.same_spikes import SpikeCheck, same_spikes
from tests.nets import float_graph, pixels
from tests.passes.lowering import Builder, lif


def changed(graph: Graph, name: str, **fields: Any) -> Graph:
    return graph.replaced({name: replace(graph.op(name), **fields)})  # type: ignore[type-var]


@dataclass(frozen=True, slots=True)
class Doubles:
    """A pass with a fault."""

    name: ClassVar[str] = "doubles"

    def apply(self, graph: Graph, notes: Notes) -> Graph:
        return changed(graph, "lif1", threshold=2.0)


def single(weight: float, **settings: Any) -> Graph:
    b = Builder(Input((1,)))
    return b.graph(b.chain("in", fc=Dense([[weight]], [0.0]), lif1=lif((1,), **settings)))  # type: ignore[arg-type]


def test_equal_graphs() -> None:
    graph = float_graph(shape=(2, 3))
    assert same_spikes(graph, graph, pixels((5, 2, 3)), 6) == 0
    assert same_spikes(graph, graph, pixels((6, 5, 2, 3)), 6, time_axis=True) == 0


def test_lowered_graphs() -> None:
    check = SpikeCheck(pixels((5, 2, 3)), 6)
    run_passes(float_graph(shape=(2, 3)), LOWERING, [], check=check)
    assert check.ties == [0] * len(LOWERING)


def test_a_pass_that_changes_a_spike_is_named() -> None:
    with pytest.raises(NeurodeployError) as caught:
        run_passes(single(1.5), (Doubles(),), [], check=SpikeCheck(np.ones((2, 1)), 3))
    assert str(caught.value) == (
        "doubles: layer 'lif1', step 0, sample 0, neuron (0): 1 spikes at potential 1.5 before the pass, "
        "0 spikes at potential 1.5 after it. This is a fault in neurodeploy; please report it"
    )
    assert caught.value.exit_code == 1


def test_the_first_difference_is_named() -> None:
    """A potential of 0.75, then 1.125 and 1.3125."""
    before, after = single(0.75, threshold=1.25), single(0.75, threshold=1.0)
    with pytest.raises(
        NeurodeployError, match=r"'lif1', step 1, sample 1, neuron \(0\): 0 spikes at potential 1.125 b"
    ):
        same_spikes(before, after, np.array([[0.0], [1.0]]), 3)


def test_a_potential_reset_to_zero_is_not_known() -> None:
    before, after = single(1.5, reset="zero"), single(0.5, reset="zero")
    with pytest.raises(NeurodeployError, match="1 spikes at a potential that the reset took before the pass"):
        same_spikes(before, after, np.ones((1, 1)), 1)


@pytest.mark.parametrize("reset", ["subtract", "zero"])
def test_ties_are_counted_and_end_a_sample(reset: str) -> None:
    before = single(1.0, reset=reset)
    after = single(float(np.nextafter(np.float32(1), np.float32(0))), reset=reset)
    assert same_spikes(before, after, np.array([[1.0], [0.5], [1.0]]), 5) == 2


def test_several_spikes_a_step() -> None:
    graph = single(3.0, max_spikes=4)
    less = single(float(np.nextafter(np.float32(3), np.float32(0))), max_spikes=4)
    assert same_spikes(graph, less, np.ones((1, 1)), 2) == 1
    with pytest.raises(
        NeurodeployError, match=r"3 spikes at potential 3 before the pass, 2 spikes at potential 2\.5 after"
    ):
        same_spikes(graph, single(2.5, max_spikes=4), np.ones((1, 1)), 2)


def test_potentials_of_readouts() -> None:
    graph = float_graph()
    op = graph.op("fc2")
    assert isinstance(op, Dense)
    rounded = changed(graph, "fc2", weight=op.weight * np.float32(1 + 2.0**-23))
    assert same_spikes(graph, rounded, pixels((5, 6)), 4) == 0
    with pytest.raises(
        NeurodeployError, match=r"layer 'lif2', step 0, sample 0, neuron \(0\): potential .* before"
    ):
        same_spikes(graph, changed(graph, "fc2", weight=op.weight * 1.001), pixels((5, 6)), 4)


def test_layers_of_one_graph_alone_are_not_compared() -> None:
    one, two = float_graph((6, 5, 4)), float_graph((6, 5, 4), seed=5)
    names = {"fc1": "a", "lif1": "b", "fc2": "c", "lif2": "d"}
    ops = {names.get(name, name): two.op(name) for name in two.names}
    other = Graph(ops, [(names.get(a, a), names.get(b, b)) for a, b in two.edges])
    assert same_spikes(one, other, pixels((5, 6)), 4) == 0
    assert isinstance(one.op("lif1"), LIF) and isinstance(one.op("lif2"), Readout)
