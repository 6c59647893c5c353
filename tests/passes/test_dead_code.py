from __future__ import annotations

import numpy as np
import pytest

from neurodeploy.ir import (
    Add,
    AveragePool,
    Delay,
    Flatten,
    Graph,
    Input,
    MaxPool,
    Op,
    Output,
    Scale,
    SumPool,
    verify,
)
from neurodeploy.passes import Notes
from neurodeploy.passes.dead_code import DeadCode
from tests.nets import float_graph
from tests.passes.lowering import Builder, conv, dense, lif

RNG = np.random.default_rng(0)


def applied(graph: Graph) -> tuple[Graph, list[str]]:
    notes: Notes = []
    return verify(DeadCode().apply(graph, notes)), [str(note) for note in notes]


def test_layers_on_which_nothing_depends() -> None:
    """Also neurons that only excite each other."""
    b = Builder(Input((2,)))
    at = b.chain("in", fc=dense(RNG, 3, 2), lif=lif((3,)))
    b.ops["later"] = Delay((2,), 1)
    b.edges.append((b.add("self", lif((2,)), b.chain("later", back=dense(RNG, 2, 2))), "later"))
    b.chain(at, head=dense(RNG, 4, 3))
    graph, notes = applied(Graph({**b.ops, "out": Output()}, [*b.edges, (at, "out")]))
    assert graph.names == ("in", "fc", "lif", "out")
    assert notes == [
        f"{name}: left out: the output does not depend on it" for name in ("later", "back", "self", "head")
    ]


@pytest.mark.parametrize(
    "op",
    [
        Scale(1.0),
        Scale(np.ones((2, 1, 1)), 0.0),
        SumPool((1, 1), (1, 1), (0,) * 4),
        AveragePool((1, 1), (1, 1), (0,) * 4),
    ],
)
def test_layers_that_change_nothing(op: Op) -> None:
    b = Builder(Input((2, 3, 3)))
    graph, notes = applied(b.graph(b.chain("in", same=op, conv=conv(RNG, 2, 2), lif=lif((2, 1, 1)))))
    assert graph.names == ("in", "conv", "lif", "out")
    assert notes == ["same: left out: its result is that of 'in'"]


def test_flattening_of_one_axis_and_pool_of_single_spikes() -> None:
    b = Builder(Input((3,)))
    at = b.chain("in", flat=Flatten(), fc=dense(RNG, 2, 3), lif1=lif((2,)), again=Flatten())
    graph, _ = applied(b.graph(at))
    assert graph.names == ("in", "fc", "lif1", "out")
    b = Builder(Input((2, 3, 3), "binary"))
    at = b.chain("in", pool=MaxPool((1, 1), (1, 1), (0,) * 4), conv=conv(RNG, 2, 2), lif=lif((2, 1, 1)))
    assert applied(b.graph(at))[0].names == ("in", "conv", "lif", "out")


@pytest.mark.parametrize(
    "op",
    [
        Scale(2.0),
        Scale(1.0, 0.5),
        SumPool((1, 1), (2, 2), (0,) * 4),
        SumPool((1, 1), (1, 1), (1,) * 4),
        Flatten(),
    ],
)
def test_layers_that_change_something(op: Op) -> None:
    b = Builder(Input((2, 3, 3)))
    shape = op.result((b.ops["in"].result(()),)).shape
    last = dense(RNG, 2, shape[0]) if len(shape) == 1 else conv(RNG, 2, 2, 1)
    neurons = (2, *shape[1:])
    graph = b.graph(b.chain("in", same=op, synapses=last, lif=lif(neurons)))
    assert applied(graph) == (graph, [])


def test_layers_that_keep_a_graph_valid_stay() -> None:
    """Values of spikes; and the second of two edges between the same layers."""
    b = Builder(Input((2,)))
    at = b.chain(
        "in", fc=dense(RNG, 2, 2), lif1=lif((2,)), value=Scale(1.0), fc2=dense(RNG, 2, 2), lif2=lif((2,))
    )
    assert applied(b.graph(at))[0].names == b.graph(at).names
    b = Builder(Input((2,)))
    one = b.chain("in", fc=dense(RNG, 2, 2))
    at = b.chain(b.add("add", Add(), one, b.chain(one, same=Scale(1.0))), lif=lif((2,)))
    assert applied(b.graph(at))[0].names == b.graph(at).names


def test_nothing_to_leave_out() -> None:
    graph = float_graph()
    assert applied(graph) == (graph, [])
