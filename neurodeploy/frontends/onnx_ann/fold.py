"""Simplifies an ANN without changing what it computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from neurodeploy.errors import InputError
from neurodeploy.frontends.onnx_ann.builder import Ann
from neurodeploy.frontends.onnx_ann.relu import Relu
from neurodeploy.frontends.onnx_ann.tensors import Array
from neurodeploy.ir import AveragePool, Conv, Dense, Flatten, Graph, MaxPool, Op, Scale
from neurodeploy.network import Note


def fold(ann: Ann) -> Ann:
    """Fold until nothing changes.

    1. A `Scale` that alone uses a `Conv` or `Dense` becomes part of it (batch normalization, bias of a MatMul):
       W' = scale W, b' = scale b + shift, for each output channel.
    2. A `Relu` of what cannot be negative is left out: of another one, with only pools and `Flatten` between.
    3. A `Relu` that alone uses a `MaxPool` changes places with it, so that spikes are pooled; neither ever decreases.

    Every change is a note. Raises `InputError` where a folded weight is not finite.
    """
    changed: Ann | None = ann
    while changed:
        ann, changed = changed, _folded_once(changed)
    return ann


def _folded_once(ann: Ann) -> Ann | None:
    """The ANN with the first change that applies; None where none does."""
    for name in ann.graph.names:
        rule = _RULES.get(type(ann.graph.op(name)))
        changed = rule(ann, name) if rule else None
        if changed:
            return changed
    return None


def _fold_scale(ann: Ann, name: str) -> Ann | None:
    """Rule 1."""
    (source,) = ann.graph.sources(name)
    synapses = ann.graph.op(source)
    if not isinstance(synapses, (Conv, Dense)) or ann.graph.users(source) != (name,):
        return None
    try:
        folded = _scaled(synapses, ann.graph.of(Scale)[name])
    except InputError as error:
        raise InputError(f"layer '{name}', folded into '{source}': {error}") from None
    return _left_out(ann, name, f"folded into '{source}'", {source: folded}) if folded else None


def _scaled(synapses: Conv | Dense, op: Scale) -> Conv | Dense | None:
    """The synapses with the scale in them; None where it differs within a channel."""
    scale, shift = _per_channel(op.scale, synapses), _per_channel(op.shift, synapses)
    if scale is None or shift is None:
        return None
    weight: Array = synapses.weight * scale.reshape(-1, *(1,) * (synapses.weight.ndim - 1))
    bias: Array = synapses.bias * scale + shift
    return replace(synapses, weight=weight, bias=bias)


def _per_channel(values: Array, synapses: Conv | Dense) -> Array | None:
    if values.ndim and any(extent != 1 for extent in values.shape[1:]):
        return None
    return np.broadcast_to(values.reshape(-1), (len(synapses.weight),))


def _fold_relu(ann: Ann, name: str) -> Ann | None:
    """Rules 2 and 3."""
    (source,) = ann.graph.sources(name)
    graph = ann.graph
    met = set(graph.users(name)) & set(graph.users(source))  # a sum of both
    if graph.of(Relu)[name].cap is None and _never_negative(graph, source) and not met:
        return _left_out(ann, name, "left out: its input is never negative", {})
    if isinstance(graph.op(source), MaxPool) and graph.users(source) == (name,):
        return _exchanged(ann, source, name)
    return None


def _never_negative(graph: Graph, name: str) -> bool:
    op = graph.op(name)
    if isinstance(op, (AveragePool, MaxPool, Flatten)):
        return _never_negative(graph, graph.sources(name)[0])
    return isinstance(op, Relu)


def _left_out(ann: Ann, name: str, what: str, ops: dict[str, Op]) -> Ann:
    """Without layer `name`, whose users take its source."""
    graph, (source,) = ann.graph, ann.graph.sources(name)
    edges = [(source if s == name else s, d) for s, d in graph.edges if d != name]
    kept = {n: ops.get(n, graph.op(n)) for n in graph.names if n != name}
    return _changed(ann, Graph(kept, edges), Note(name, what), source if ann.output == name else ann.output)


def _exchanged(ann: Ann, first: str, second: str) -> Ann:
    """With `second` before `first`, which is its only source and has no other user."""
    graph = ann.graph
    moved = {(s, first): (s, second) for s in graph.sources(first)} | {(first, second): (second, first)}
    moved |= {(second, user): (first, user) for user in graph.users(second)}
    swapped = Graph({n: graph.op(n) for n in graph.names}, [moved.get(edge, edge) for edge in graph.edges])
    note = Note(second, f"put before '{first}', which gives the same")
    return _changed(ann, swapped, note, first if ann.output == second else ann.output)


def _changed(ann: Ann, graph: Graph, note: Note, output: str) -> Ann:
    return replace(ann, graph=graph, output=output, tensors={}, notes=(*ann.notes, note))


_RULES: dict[type[Op], Callable[[Ann, str], Ann | None]] = {Scale: _fold_scale, Relu: _fold_relu}
"""Layers that may go or move."""
