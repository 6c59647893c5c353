"""`.net` files for tests, written field by field, and what the reference makes of the graphs in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from neurodeploy.frontends.netx import NetxConfig, open_net
from neurodeploy.ir import Graph
from neurodeploy.semantics import Registers
from neurodeploy.semantics.reference import run_sample

h5py = pytest.importorskip("h5py", reason="no h5py")

BINARY = NetxConfig(input="binary")
Layer = dict[str, Any]


def cuba(**changes: Any) -> dict[str, Any]:
    """The neurons of a layer as slayer writes them, with other or more fields."""
    plain = {
        "type": b"CUBA",
        "iDecay": 3000,
        "vDecay": 500,
        "vThMant": 50,
        "refDelay": 1,
        "gradedSpike": False,
    }
    return {name: value for name, value in {**plain, **changes}.items() if value is not None}


def dense(weight: npt.ArrayLike, /, **changes: Any) -> Layer:
    """A dense layer as slayer writes it."""
    array = np.asarray(weight, np.float32)
    fields = {
        "type": "dense",
        "shape": [len(array)],
        "inFeatures": array.shape[-1],
        "outFeatures": len(array),
        "weight": array,
        "neuron": cuba(),
    }
    return {name: value for name, value in {**fields, **changes}.items() if value is not None}


def conv(weight: npt.ArrayLike, shape: tuple[int, ...], /, **changes: Any) -> Layer:
    """A convolution as slayer writes it; `shape` is that of its neurons."""
    array = np.asarray(weight, np.float32)
    fields = {
        "type": "conv",
        "shape": list(shape),
        "inChannels": array.shape[1] * changes.get("groups", 1),
        "outChannels": len(array),
        "kernelSize": list(array.shape[2:4]),
        "stride": [1, 1],
        "padding": [0, 0],
        "dilation": [1, 1],
        "groups": 1,
        "weight": array,
        "neuron": cuba(),
    }
    return {name: value for name, value in {**fields, **changes}.items() if value is not None}


def write_net(path: Path, *layers: Layer, simulation: Mapping[str, Any] | None = None) -> Path:
    """A `.net` file of these layers."""
    with h5py.File(path, "w") as file:
        for index, layer in enumerate(layers):
            _write(file.create_group(f"layer/{index}"), layer)
        for name, value in (simulation or {}).items():
            file[f"simulation/{name}"] = value
    return path


def _write(group: Any, fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        if name == "type" and isinstance(value, str):
            group.create_dataset(name, (1,), "S10", [value.encode()])
        elif isinstance(value, dict):
            _write(group.create_group(name), value)
        else:
            group[name] = value


def graph_of(path: Path, *layers: Layer, config: NetxConfig = BINARY, preset: str | None = None) -> Graph:
    """The graph of a file of these layers."""
    return open_net(write_net(path / "net.net", *layers), preset, config).read().graph


def notes_of(path: Path, *layers: Layer, config: NetxConfig = BINARY, preset: str | None = None) -> str:
    """The notes of a file of these layers, a line each."""
    return "\n".join(map(str, open_net(write_net(path / "net.net", *layers), preset, config).read().notes))


def run(graph: Graph, x: npt.NDArray[Any], layer: str | None = None) -> npt.NDArray[np.int64]:
    """Spikes `(T, n)` of a layer, or potentials of a readout, in plain Python integers; x `(T, *shape)`."""
    trace = run_sample(graph, Registers(), [frame.ravel().tolist() for frame in x])
    name = layer or graph.output
    readout = graph.types[name].signal == "potential"
    return np.array(trace.membrane[name] if readout else trace.spikes[name])


def spikes(seed: int, steps: int, *shape: int, rate: float = 0.4) -> npt.NDArray[np.int64]:
    """Random spikes `(T, *shape)`."""
    return (np.random.default_rng(seed).random((steps, *shape)) < rate).astype(np.int64)
