"""The rules that every graph keeps, before and after every pass."""

from __future__ import annotations

import networkx as nx

from neurodeploy.errors import InputError
from neurodeploy.ir.graph import Graph
from neurodeploy.ir.ops import Delay, Flatten, Input, IntInput, Output


def verify(graph: Graph) -> Graph:
    """Check the graph and return it.

    1. One input and one output.
    2. All operations are of one dialect.
    3. Every layer's inputs have the types it takes (shapes and signals).
    4. Every result is used, except the output's.
    5. A delay has exactly one input, and delays that feed each other are fed by another layer.
    6. The output is reached from the input.

    Raises `InputError` that names the layer and the rule.
    """
    inputs = [*graph.of(Input), *graph.of(IntInput)]
    outputs = list(graph.of(Output))
    if len(inputs) != 1 or len(outputs) != 1:  # rule 1
        raise InputError(
            f"a network must have one input and one output, not {len(inputs)} and {len(outputs)}"
        )
    dialects = {name: graph.op(name).dialect for name in graph.names if graph.op(name).dialect != "any"}
    if len(set(dialects.values())) > 1:  # rule 2
        listing = ", ".join(f"{name}: {dialect}" for name, dialect in dialects.items())
        raise InputError(f"float and integer layers are mixed ({listing})")
    _ = graph.types  # rule 3
    for name in graph.names:  # rule 4
        if not graph.users(name) and name not in outputs:
            raise InputError(f"layer '{name}': its result is not used by any layer")
    for name in graph.of(Delay):  # rule 5
        if len(graph.sources(name)) != 1:
            raise InputError(f"layer '{name}': a delay must have one input, not {len(graph.sources(name))}")
    _require_origins(graph)
    if not graph.reaches(inputs[0], outputs[0]):  # rule 6
        raise InputError(f"the output '{outputs[0]}' does not depend on the input '{inputs[0]}'")
    return graph


def _require_origins(graph: Graph) -> None:
    """Refuse delays in a circle, whose numbers come from nowhere."""
    passing = {name for name in graph.names if isinstance(graph.op(name), (Delay, Flatten))}
    moved = nx.DiGraph([(s, d) for s, d in graph.edges if s in passing and d in passing])
    if not nx.is_directed_acyclic_graph(moved):
        circle = " -> ".join(source for source, _ in nx.find_cycle(moved))
        raise InputError(
            f"delays in a circle ({circle}) pass on their own numbers; another layer must feed them"
        )
