from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from neurodeploy.errors import InputError
from neurodeploy.ir import LIF, Dense, Flatten, Graph, Input, IntInput, Op, Output, Readout, verify
from tests.nets import float_graph

OPS: dict[str, Op] = {
    "in": Input((2,)),
    "fc": Dense(np.ones((1, 2)), np.zeros(1)),
    "lif": LIF((1,), 0.5, 1.0, "subtract", "ge"),
    "out": Output(),
}
EDGES = list(pairwise(OPS))


def test_order_does_not_depend_on_how_it_was_built() -> None:
    graph = Graph(OPS, EDGES)
    assert graph.names == ("in", "fc", "lif", "out")
    assert Graph(dict(reversed(OPS.items())), EDGES[::-1]).names == graph.names
    assert graph.output == "lif"
    assert graph.edges == tuple(EDGES)


def test_insertion_order_among_equals() -> None:
    ops = {"in": Input((2,)), "b": Flatten(), "a": Flatten(), "c": Flatten()}
    graph = Graph(ops, [("in", "c"), ("in", "a"), ("in", "b")])
    assert graph.names == ("in", "b", "a", "c")
    assert graph.users("in") == ("c", "a", "b")


@pytest.mark.parametrize(
    ("ops", "edges", "message"),
    [
        (OPS, [*EDGES, ("lif", "fc")], "the graph has a cycle without a delay (fc -> lif)"),
        (OPS, [("fc", "fc")], "the graph has a cycle without a delay (fc)"),
        (OPS, [("in", "gone")], "edge in -> gone: there is no layer 'gone'"),
        (OPS, [("gone", "in")], "edge gone -> in: there is no layer 'gone'"),
        ({"a b": Output()}, [], "layer name 'a b' must be letters, digits, '_' and '.'"),
        ({"": Output()}, [], "layer name ''"),
        ({"a/b": Output()}, [], "layer name 'a/b'"),
    ],
)
def test_refuses(ops: dict[str, Op], edges: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(InputError) as caught:
        Graph(ops, edges)
    assert message in str(caught.value)


def test_the_same_edge_twice_is_refused() -> None:
    with pytest.raises(InputError, match="fc -> lif"):
        Graph(OPS, [*EDGES, ("fc", "lif")])


def test_type_error_names_the_layer() -> None:
    graph = Graph({**OPS, "fc": Dense(np.ones((1, 3)), np.zeros(1))}, EDGES)
    with pytest.raises(InputError, match=r"^layer 'fc': op 'dense': weight \(1, 3\) takes 3 inputs"):
        verify(graph)


@pytest.mark.parametrize(
    ("ops", "edges", "message"),
    [
        ({"in": Input((2,))}, [], "one input and one output, not 1 and 0"),
        ({**OPS, "in2": Input((2,))}, EDGES, "one input and one output, not 2 and 1"),
        (
            {**OPS, "in": IntInput((2,), 1.0, 0, 1)},
            EDGES,
            "float and integer layers are mixed (in: integer, fc: float",
        ),
        ({**OPS, "extra": Flatten()}, [*EDGES, ("in", "extra")], "layer 'extra': its result is not used"),
        (
            {**OPS, "lif": Flatten()},
            EDGES,
            "layer 'out': op 'output': must be fed by spike or potential, not current",
        ),
        ({**OPS, "extra": Flatten()}, [*EDGES, ("lif", "extra")], "layer 'extra': its result is not used"),
    ],
)
def test_verify(ops: dict[str, Op], edges: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(InputError) as caught:
        verify(Graph(ops, edges))
    assert message in str(caught.value)


def test_verify_returns_a_valid_graph() -> None:
    graph = float_graph()
    assert verify(graph) is graph


def test_equality() -> None:
    graph = Graph(OPS, EDGES)
    assert graph == Graph(OPS, EDGES)
    assert graph != graph.replaced({"lif": LIF((1,), 0.25, 1.0, "subtract", "ge")})
    assert graph != Graph({**OPS, "two": Flatten()}, EDGES)
    assert graph != "graph"


def test_replaced_leaves_the_original() -> None:
    graph = Graph(OPS, EDGES)
    changed = graph.replaced({"lif": Readout((1,), 1.0)})
    assert changed.types["lif"].signal == "potential"
    assert graph.types["lif"].signal == "spike"


def test_cannot_be_changed() -> None:
    import networkx as nx

    with pytest.raises(nx.NetworkXError):
        Graph(OPS, EDGES)._graph.add_node("more")
