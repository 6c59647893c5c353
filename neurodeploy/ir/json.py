"""The canonical JSON form of a graph; its arrays are kept beside it, by name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import InputError
from neurodeploy.ir.graph import Graph
from neurodeploy.ir.ops import OPS, Op
from neurodeploy.ir.verify import verify

Arrays = dict[str, npt.NDArray[Any]]


def to_json(graph: Graph) -> tuple[dict[str, Any], Arrays]:
    """The graph as plain JSON values, and its arrays as `layer.field`."""
    arrays: Arrays = {}
    layers = [
        {
            "name": name,
            "op": graph.op(name).kind,
            "inputs": list(graph.sources(name)),
            **_dump(graph, name, arrays),
        }
        for name in graph.names
    ]
    return {"layers": layers}, arrays


def _dump(graph: Graph, name: str, arrays: Arrays) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in fields(graph.op(name)):  # type: ignore[arg-type]
        value = getattr(graph.op(name), field.name)
        if isinstance(value, np.ndarray) and value.ndim == 0:
            value = value.item()
        elif isinstance(value, np.ndarray):
            arrays[f"{name}.{field.name}"] = value
            value = {"array": f"{name}.{field.name}"}
        values[field.name] = list(value) if isinstance(value, tuple) else value
    return values


def graph_digest(graph: Graph) -> str:
    """The sha256 of operations, edges and arrays."""
    described, arrays = to_json(graph)
    digest = hashlib.sha256(json.dumps(described, sort_keys=True, allow_nan=False).encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape}".encode())
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def from_json(data: Any, arrays: Mapping[str, npt.NDArray[Any]]) -> Graph:
    """The graph that `to_json` described; raises `InputError` for anything else."""
    try:
        layers = [(layer["name"], layer["op"], layer["inputs"], layer) for layer in data["layers"]]
        ops = {name: _load(kind, layer, arrays) for name, kind, _, layer in layers}
        edges = [(source, name) for name, _, inputs, _ in layers for source in inputs]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"not the description of a graph: {type(error).__name__} {error}") from None
    if len(ops) != len(layers):
        raise InputError("not the description of a graph: two layers have the same name")
    return verify(Graph(ops, edges))


def _load(kind: str, layer: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Op:
    op_type = OPS[kind]
    values = {field.name: _undump(layer[field.name], arrays) for field in fields(op_type)}  # type: ignore[arg-type]
    unknown = set(layer) - set(values) - {"name", "op", "inputs"}
    if unknown:
        raise InputError(f"layer '{layer['name']}': unknown field {sorted(unknown)[0]!r}")
    try:
        return op_type(**values)
    except InputError as error:
        raise type(error)(f"layer '{layer['name']}': {error}") from None


def _undump(value: Any, arrays: Mapping[str, npt.NDArray[Any]]) -> Any:
    if isinstance(value, dict):
        return arrays[value["array"]]
    return tuple(value) if isinstance(value, list) else value
