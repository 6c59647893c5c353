"""What others make of our files: the package nir reads them, and frameworks give the spikes of the graph."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodeploy.frontends.nir import NirConfig, open_nir
from neurodeploy.ir import LIF, AveragePool, Conv, Delay, Dense, Flatten, Graph, Input, Op, Output, Readout
from neurodeploy.ir.interpreter import interpret
from neurodeploy.targets.nir import export_nir
from neurodeploy.targets.nir.nodes import TYPE_CHECK
from tests.targets.nir.graphs import graphs

nir = pytest.importorskip("nir")

STEPS = 40
pytestmark = pytest.mark.filterwarnings("ignore")


def normal(*shape: int, scale: float = 1.0) -> Any:
    return (np.random.default_rng(sum(shape)).normal(size=shape) * scale).astype(np.float32)


def sequence(*ops: Op) -> Graph:
    names = ["x", *(f"n{i}" for i in range(1, len(ops) - 1)), "y"]
    return Graph(dict(zip(names, ops, strict=True)), list(pairwise(names)))


def dense(out: int, given: int) -> Dense:
    return Dense(normal(out, given, scale=2.0), normal(out, scale=0.1))


def perceptron(decay: float = 0.875, current_decay: float = 0.0) -> Graph:
    first, last = (LIF((n,), decay, 1.5, "zero", "gt", current_decay=current_decay) for n in (24, 8))
    return sequence(Input((12,)), dense(24, 12), first, dense(8, 24), last, Output())


def convolutional() -> Graph:
    first = Conv(normal(4, 2, 3, 3), normal(4, scale=0.1), (1, 1), (1, 1, 1, 1), (1, 1))
    second = Conv(normal(6, 4, 3, 3), normal(6, scale=0.1), (1, 1), (0, 0, 0, 0), (1, 1))
    a, b = LIF((4, 10, 8), 0.75, 1.0, "zero", "gt"), LIF((6, 3, 2), 0.75, 1.0, "zero", "gt")
    pool = AveragePool((2, 2), (2, 2), (0, 0, 0, 0))
    last = LIF((5,), 0.75, 1.0, "zero", "gt")
    return sequence(Input((2, 10, 8)), first, a, pool, second, b, Flatten(), dense(5, 36), last, Output())


def recurrent() -> Graph:
    ops = {
        "x": Input((12,)),
        "fc": dense(24, 12),
        "rec": Dense(normal(24, 24, scale=0.5), np.zeros(24, np.float32)),
    }
    ops |= {"a": LIF((24,), 0.75, 1.0, "zero", "gt"), "back": Delay((24,), 1), "out": dense(8, 24)}  # type: ignore[dict-item]
    ops |= {"b": LIF((8,), 0.75, 1.0, "zero", "gt"), "y": Output()}  # type: ignore[dict-item]
    chain = ["x", "fc", "a", "out", "b", "y"]
    return Graph(ops, [*pairwise(chain), ("a", "back"), ("back", "rec"), ("rec", "a")])


def readout() -> Graph:
    return sequence(Input((12,)), dense(8, 12), Readout((8,), 0.75, 0.5), Output())


@settings(max_examples=12)
@given(graphs(resets=st.just("zero")))
def test_the_package_nir_reads_every_file(tmp_path_factory: pytest.TempPathFactory, graph: Graph) -> None:
    path = tmp_path_factory.mktemp("nir") / "net.nir"
    notes = export_nir(graph, path)
    square = not any(TYPE_CHECK in note.what for note in notes)
    read = nir.read(path, type_check=square)
    delays = {name for name, op in graph.of(Delay).items() if op.steps == 1}
    assert set(read.nodes) | delays >= set(graph.names) - {"sum"}
    for name, op in graph.of(Dense).items():
        assert np.array_equal(read.nodes[name].weight, op.weight)


@pytest.mark.parametrize("make", [perceptron, convolutional, recurrent, readout, lambda: perceptron(1.0)])
def test_written_again_by_the_package_nir(tmp_path: Path, make: Callable[[], Graph]) -> None:
    """Through `nir.read` and `nir.write` the group of our own is lost, but not the graph."""
    graph = make()
    export_nir(graph, tmp_path / "ours.nir", strict=True)
    nir.write(tmp_path / "theirs.nir", nir.read(tmp_path / "ours.nir"))
    said = NirConfig(
        dt=1e-4, integration="euler", reset="zero", reset_timing="same", comparison="gt", clamp="none"
    )
    found = open_nir(tmp_path / "theirs.nir", "spikingjelly", said).imported.graph
    x = np.random.default_rng(2).normal(size=(STEPS, 2, *graph.op("x").shape))  # type: ignore[attr-defined]
    mine, theirs = (interpret(g, x, STEPS, time_axis=True, dtype=np.float64) for g in (graph, found))
    for name in graph.of(LIF):
        assert mine.spikes[name].any()
        assert np.array_equal(mine.spikes[name], theirs.spikes[name])
    for name in graph.of(Readout):
        np.testing.assert_allclose(mine.membrane[name], theirs.membrane[name], rtol=1e-5, atol=1e-5)


def snntorch(path: Path) -> Callable[[Any], Any]:
    net = pytest.importorskip("snntorch.import_nir").import_from_nir(nir.read(path))
    return _with_state(net)


def spikingjelly(path: Path) -> Callable[[Any], Any]:
    return _with_state(
        pytest.importorskip("spikingjelly.activation_based.nir_exchange").import_from_nir(path)
    )


def norse(path: Path) -> Callable[[Any], Any]:
    from_nir = pytest.importorskip("norse.torch.utils.import_nir").from_nir
    return _with_state(from_nir(nir.read(path), dt=1e-4))


def _with_state(net: Any) -> Callable[[Any], Any]:
    """One step of a net that takes and gives its state."""
    memory: list[Any] = [None]

    def step(x: Any) -> Any:
        out = net(x) if memory[0] is None else net(x, memory[0])
        memory[0] = out[1]
        return out[0]

    return step


NETS = {
    "perceptron": perceptron,
    "synaptic": lambda: perceptron(0.875, 0.75),
    "odd decay": lambda: perceptron(0.9),
    "convolutional": convolutional,
    "recurrent": recurrent,
}
CANNOT = {("snntorch", "recurrent"), ("norse", "recurrent"), ("norse", "convolutional")}
"""snnTorch 1.0.0 and Norse 1.1.0 stop with errors of their own on these."""


@pytest.mark.parametrize("framework", [snntorch, spikingjelly, norse])
@pytest.mark.parametrize("name", NETS)
def test_frameworks_give_the_spikes_of_the_graph(tmp_path: Path, framework: Any, name: str) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip(framework.__name__)
    if (framework.__name__, name) in CANNOT:
        pytest.skip(f"{framework.__name__} cannot import recurrence or pools")
    graph = NETS[name]()
    export_nir(graph, tmp_path / "n.nir", strict=True)
    step = framework(tmp_path / "n.nir")
    x = np.random.default_rng(3).normal(size=(STEPS, 1, *graph.op("x").shape)).astype(np.float32)  # type: ignore[attr-defined]
    with torch.no_grad():
        theirs = np.stack([np.asarray(step(torch.from_numpy(one))) for one in x])
    run = interpret(graph, x, STEPS, time_axis=True)
    mine = run.spikes[run.output]
    assert mine.any()
    assert np.count_nonzero(mine != theirs.reshape(mine.shape)) == 0
