"""NIR files as tests write them: nodes as dictionaries of fields."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neurodeploy.frontends.nir import NirConfig, open_nir
from neurodeploy.ir import Graph

Nodes = dict[str, dict[str, Any]]
Edges = list[tuple[str, str]]

PLAIN = NirConfig(
    dt=1.0,
    reset="zero",
    reset_timing="same",
    integration="euler",
    comparison="gt",
    spikes="one",
    clamp="none",
    if_convention="step",
    current_order="new",
)
"""Settings for every question; files of tests count time in steps."""


def write(path: Path, nodes: Nodes, edges: Edges, **more: Any) -> Path:
    """Write a NIR file; `more` are groups beside the graph."""
    with h5py.File(path, "w") as file:
        file.create_dataset("version", data="1.0.8", dtype=h5py.string_dtype())
        fill(file.create_group("node"), graph(nodes, edges))
        for name, content in more.items():
            fill(file.create_group(name), content)
    return path


def graph(nodes: Nodes, edges: Edges) -> dict[str, Any]:
    """The fields of a NIRGraph."""
    return {"type": "NIRGraph", "nodes": nodes, "edges": np.array(edges, object)}


def fill(group: h5py.Group, content: dict[str, Any]) -> None:
    for name, value in content.items():
        if isinstance(value, dict):
            fill(group.create_group(name), value)
        elif isinstance(value, str) or np.asarray(value).dtype == object:
            group.create_dataset(name, data=value, dtype=h5py.string_dtype())
        else:
            group.create_dataset(name, data=value)


def chain(path: Path, shape: tuple[int, ...], out: tuple[int, ...], **nodes: dict[str, Any]) -> Path:
    """Write input -> nodes in this order -> output."""
    names = ["input", *nodes, "output"]
    every = {"input": inputs(*shape), **nodes, "output": outputs(*out)}
    return write(path, every, list(pairwise(names)))


def inputs(*shape: int) -> dict[str, Any]:
    return {"type": "Input", "shape": np.array(shape)}


def outputs(*shape: int) -> dict[str, Any]:
    return {"type": "Output", "shape": np.array(shape)}


def affine(weight: Any, bias: Any = None) -> dict[str, Any]:
    weight = np.asarray(weight, np.float32)
    bias = np.zeros(len(weight)) if bias is None else bias
    return {"type": "Affine", "weight": weight, "bias": np.asarray(bias, np.float32)}


def lif(shape: int | tuple[int, ...], **fields: Any) -> dict[str, Any]:
    """v[t] = 0.75 v[t-1] + I[t], fires above 1, unless said otherwise."""
    default = {"tau": 4.0, "r": 4.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0}
    return neurons("LIF", shape, {**default, **fields})


def neurons(kind: str, shape: int | tuple[int, ...], fields: dict[str, Any]) -> dict[str, Any]:
    arrays = {
        k: np.broadcast_to(np.asarray(v, np.float32), shape) for k, v in fields.items() if v is not None
    }
    return {"type": kind, **arrays}


def conv(weight: Any, bias: Any = None, **fields: Any) -> dict[str, Any]:
    weight = np.asarray(weight, np.float32)
    bias = np.zeros(len(weight), np.float32) if bias is None else np.asarray(bias, np.float32)
    default = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    return {"type": f"Conv{weight.ndim - 2}d", "weight": weight, "bias": bias, **default, **fields}


def read(path: Path, config: NirConfig = PLAIN) -> Graph:
    """The graph of a file."""
    return open_nir(path, None, config).imported.graph
