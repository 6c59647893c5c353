"""The rules that every graph keeps, before and after every pass."""

from __future__ import annotations

from neurodeploy.errors import InputError
from neurodeploy.ir.graph import Graph
from neurodeploy.ir.ops import Input, IntInput, Output


def verify(graph: Graph) -> Graph:
    """Check the graph and return it.

    1. One input and one output.
    2. All operations are of one dialect.
    3. Every layer's inputs have the types it takes (shapes and signals).
    4. Every result is used, except the output's.

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
    return graph
