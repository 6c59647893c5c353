"""Valid files, from which the mutations start: folders as dictionaries of file names and bytes."""

from __future__ import annotations

import gzip
import io
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from neurodeploy.artifact import to_bytes
from neurodeploy.data import load
from neurodeploy.exporter import export
from neurodeploy.ir import to_text
from neurodeploy.sweep.point import Point
from neurodeploy.sweep.setting import Setting
from neurodeploy.sweep.store import Store
from neurodeploy.training import Progress, Watch, train
from tests.artifact.test_hostile import general
from tests.data.files import idx_bytes
from tests.frontends.netx import files as net
from tests.frontends.nir import files as nir
from tests.frontends.onnx_ann import files as ann
from tests.nets import chain, compiled

Case = dict[str, bytes]
DRAW = np.random.default_rng(0)
DIGEST, SETTING = "0" * 64, Setting((("fc", 8),))


def artifacts() -> list[Case]:
    """A chain, one with a readout, and one with everything that a graph may hold."""
    return [{"f.onnx": to_bytes(network)} for network in (chain(readout=False), compiled(), general())]


def nir_files() -> list[Case]:
    """Layers of every common kind, a cycle, a nested graph."""
    lif = nir.lif
    dense = {"fc": nir.affine(DRAW.normal(size=(4, 3))), "lif": lif(4)}
    conv = {
        "conv": nir.conv(DRAW.normal(size=(2, 1, 3, 3))),
        "lif": lif((2, 3, 3)),
        "flat": _flat(),
        **_last(18),
    }
    cuba = {"fc": nir.affine(np.ones((2, 3))), "cuba": nir.neurons("CubaLIF", 2, _CUBA)}
    inner = nir.graph(
        {"input": nir.inputs(3), "fc": nir.affine(np.eye(3)), "output": nir.outputs(3)},
        [("input", "fc"), ("fc", "output")],
    )
    cycle = {
        "input": nir.inputs(3),
        "fc": nir.affine(np.eye(3)),
        "lif": lif(3),
        "back": nir.affine(np.eye(3)),
        "output": nir.outputs(3),
    }
    edges = [("input", "fc"), ("fc", "lif"), ("lif", "back"), ("back", "lif"), ("lif", "output")]
    return [
        _written(".nir", lambda path: nir.chain(path, (3,), (4,), **dense)),
        _written(".nir", lambda path: nir.chain(path, (1, 5, 5), (2,), **conv)),
        _written(".nir", lambda path: nir.chain(path, (3,), (2,), **cuba)),
        _written(".nir", lambda path: nir.chain(path, (3,), (3,), inner=inner, lif=lif(3))),
        _written(".nir", lambda path: nir.write(path, cycle, edges)),
    ]


def own_nir_files() -> list[Case]:
    """A file that neurodeploy itself wrote."""
    return [_written(".nir", lambda path: export(chain((3, 2)), "nir", path))]


_CUBA = {
    "tau_syn": 2.0,
    "tau_mem": 4.0,
    "r": 4.0,
    "v_leak": 0.0,
    "v_threshold": 1.0,
    "v_reset": 0.0,
    "w_in": 1.0,
}


def _flat() -> dict[str, Any]:
    return {"type": "Flatten", "start_dim": 0, "end_dim": -1, "input_type": np.array([2, 3, 3])}


def _last(size: int) -> dict[str, Any]:
    return {
        "fc": nir.affine(DRAW.normal(size=(2, size))),
        "if": nir.neurons("IF", 2, {"r": 1.0, "v_threshold": 1.0}),
    }


def net_files() -> list[Case]:
    """A dense chain, and a convolution with what slayer writes beside it."""
    weights = DRAW.integers(-60, 60, (4, 3)), DRAW.integers(-60, 60, (2, 4))
    kernels = DRAW.integers(-60, 60, (2, 1, 3, 3, 1))
    flat: dict[str, Any] = {"type": "flatten"}
    head = net.dense(DRAW.integers(-60, 60, (2, 18)), bias=np.arange(2.0))
    simulation = {"tSample": 16, "Ts": 1}
    return [
        _written(".net", lambda p: net.write_net(p, *map(net.dense, weights), simulation=simulation)),
        _written(".net", lambda p: net.write_net(p, net.conv(kernels, (2, 3, 3)), flat, head)),
    ]


def ann_files() -> list[Case]:
    """A residual network, and a chain whose weights lie beside it."""
    nodes: list[ann.NodeSpec] = [
        ("Flatten", ["x"], "f"),
        ("Gemm", ["f", "w", "b"], "h", {"transB": 1}),
        ("Relu", ["h"], "r"),
        ("MatMul", ["r", "v"], "y"),
    ]
    constants = {
        "w": DRAW.normal(size=(5, 16)).astype(np.float32),
        "b": np.zeros(5, np.float32),
        "v": DRAW.normal(size=(5, 3)).astype(np.float32),
    }
    protos = ann.residual().proto, ann.File((1, 4, 4), nodes, constants).proto
    outside = ann.File((1, 4, 4), nodes, constants).proto
    tensor = outside.graph.initializer[0]
    weights, tensor.data_location = bytes(tensor.raw_data), 1
    tensor.ClearField("raw_data")
    for key, value in {"location": "w.bin", "offset": "0", "length": str(len(weights))}.items():
        tensor.external_data.add(key=key, value=value)
    return [
        *({"f.onnx": proto.SerializeToString()} for proto in protos),
        {"f.onnx": outside.SerializeToString(), "w.bin": weights},
    ]


def npz_files() -> list[Case]:
    """Static samples with labels, samples over time, and integers in Fortran's order."""
    x, y = DRAW.random((6, 4), np.float32), np.arange(6)
    return [
        _npz("f.npz", x=x, y=y),
        _npz("f.npz", x=DRAW.random((3, 4, 5)), y=np.zeros(3, np.uint8), time_axis=np.array(1)),
        _npz("f.npz", x=np.asfortranarray(DRAW.integers(0, 9, (3, 4, 2)))),
    ]


def event_files() -> list[Case]:
    """Events of N-MNIST: our small file, and the official ones."""
    small = {
        **{name: DRAW.integers(0, 34, 40) for name in ("x", "y")},
        "t": np.sort(DRAW.integers(0, 9999, 40)),
        "p": DRAW.integers(0, 2, 40),
        "offsets": np.array([0, 15, 40]),
        "labels": np.array([3, 7]),
    }
    events = DRAW.integers(0, 34, (20, 5)).astype(np.uint8).tobytes()
    return [
        _npz("nmnist_small_test.npz", **small),
        {"Test/3/1.bin": events, "Test/7/2.bin": events[:50]},
    ]


def image_files() -> list[Case]:
    """IDX files, raw and gzipped."""
    images = DRAW.integers(0, 256, (3, 4, 4)).astype(np.uint8)
    raw = {
        "images-idx3-ubyte": idx_bytes(images),
        "labels-idx1-ubyte": idx_bytes(np.arange(3, dtype=np.uint8)),
    }
    raw = {f"t10k-{name}": content for name, content in raw.items()}
    return [raw, {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in raw.items()}]


def record_files() -> list[Case]:
    """The binary records of CIFAR-10, and its small file."""
    x = DRAW.integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    records = b"".join(bytes([label]) + x[label].tobytes() for label in range(2))
    return [
        {"test_batch.bin": records},
        _npz("cifar10_small.npz", x_test=x, y_test=np.array([1, 2])),
    ]


def chip_files() -> list[Case]:
    """The descriptions of chips that come with the package."""
    folder = resources.files("neurodeploy.targets.chips")
    return [{"f.toml": p.read_bytes()} for p in folder.iterdir() if p.name.endswith(".toml")]


def recipe_files() -> list[Case]:
    """The recipes that come with the package."""
    folder = resources.files("neurodeploy.training.recipes")
    return [{"f.toml": p.read_bytes()} for p in folder.iterdir() if p.name.endswith(".toml")]


def config_files() -> list[Case]:
    """Settings of a training, every one of them."""
    text = """optimizer = "sgd"
learning_rate = 0.1
batch_size = 32
preset = "official"
schedule = "constant"
momentum = 0.8
weight_decay = 1e-4
decayed = "weights"
augment = [{ kind = "crop", padding = 4 }, { kind = "flip" }]
precision = "bf16"
quantize = 8
threads = 2
[options]
eta = 0.1
first = true
name = "a"
"""
    return [{"f.toml": text.encode()}]


def graph_texts() -> list[Case]:
    """The text form of graphs."""
    graphs = chain(readout=False).graph, compiled().graph, general().graph
    return [{"f.txt": to_text(graph, arrays=True).encode()} for graph in graphs]


def run_folders() -> list[Case]:
    """A finished run, and one that was interrupted in its second epoch."""
    with TemporaryDirectory() as folder:
        return [_run(Path(folder) / name, stop) for name, stop in (("done", 0), ("stopped", 4))]


def _run(folder: Path, stop: int) -> Case:
    seen: list[Progress] = []

    def batch(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == stop:
            signal.raise_signal(signal.SIGINT)

    data = load("digits@train").limit(150)
    with suppress(KeyboardInterrupt):
        train("mlp:64-3-10", data, rule="ottt-a", steps=2, epochs=2, folder=folder, watch=Watch(batch=batch))
    return dict(_files(folder))


def point_files() -> list[Case]:
    """A point of a sweep, as the store keeps it."""
    with TemporaryDirectory() as folder:
        Store(DIGEST, Path(folder)).put(SETTING, Point({"fc": 8}, [1, 0, 2], [1, 2], 3, 4, ["a note"], 0.5))
        return [dict(_files(Path(folder)))]


def _npz(name: str, **arrays: Any) -> Case:
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    return {name: packed.getvalue()}


def _written(suffix: str, write: Callable[[Path], object]) -> Case:
    with TemporaryDirectory() as folder:
        write(Path(folder) / f"f{suffix}")
        return dict(_files(Path(folder)))


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_bytes()
