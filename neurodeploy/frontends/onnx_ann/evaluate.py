"""An ANN computed with numpy, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurodeploy.frontends.onnx_ann.relu import Relu
from neurodeploy.frontends.onnx_ann.tensors import Array
from neurodeploy.ir import Graph, Input
from neurodeploy.ir.interpreter import compute

BATCH = 32
"""Samples that are evaluated at once, which bounds the memory of convolutions."""


def evaluate(graph: Graph, x: Array) -> Iterator[tuple[str, Array]]:
    """Name and result `(N, *shape)` of every layer for input x `(N, *shape)`, in x's number type.

    A result is forgotten once its last user has it.
    """
    results: dict[str, Array] = {}
    waiting = {name: len(graph.users(name)) for name in graph.names}
    for name in graph.names:
        op, sources = graph.op(name), graph.sources(name)
        inputs = [results[source] for source in sources]
        if isinstance(op, Input):
            results[name] = x
        elif isinstance(op, Relu):
            results[name] = np.clip(inputs[0], 0, op.cap)
        else:
            results[name] = compute(op, inputs)
        yield name, results[name]
        for source in sources:
            waiting[source] -= 1
            if not waiting[source]:
                del results[source]


def activations(graph: Graph, x: Array, names: frozenset[str]) -> dict[str, Array]:
    """Results `(N, *shape)` of some layers for x `(N, *shape)`, float32, in the order in which they compute."""
    kept: dict[str, list[Array]] = {name: [] for name in graph.names if name in names}
    for start in range(0, len(x), BATCH):
        for name, result in evaluate(graph, x[start : start + BATCH].astype(np.float32)):
            if name in names:
                kept[name].append(result)
    return {name: np.concatenate(results) for name, results in kept.items()}
