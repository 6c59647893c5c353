"""Export and back: graphs, networks, the nodes alone, what NIR cannot say, and how the file is written."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodeploy.errors import InputError, UnsupportedError, UsageError
from neurodeploy.frontends.hdf5 import Group, read_hdf5
from neurodeploy.frontends.nir import NirConfig, open_nir
from neurodeploy.frontends.nir.exact import NAME
from neurodeploy.ir import (
    LIF,
    AveragePool,
    Concat,
    Conv,
    Delay,
    Dense,
    Flatten,
    Graph,
    Input,
    IntConv,
    IntDense,
    IntInput,
    IntLIF,
    MaxPool,
    Op,
    Output,
    Readout,
    Scale,
)
from neurodeploy.ir.interpreter import interpret
from neurodeploy.network import Network, Note
from neurodeploy.semantics import Register, Registers
from neurodeploy.targets.nir import export_nir
from neurodeploy.targets.nir.float_meaning import float_meaning
from neurodeploy.targets.nir.hdf5 import to_bytes
from tests.targets.nir.graphs import graphs

RNG = np.random.default_rng(0)


def chain(*ops: Op) -> Graph:
    names = [f"n{i}" for i in range(len(ops))]
    return Graph(dict(zip(names, ops, strict=True)), pairwise(names))


def small(op: Op | None = None) -> Graph:
    weight = RNG.normal(size=(2, 3)).astype(np.float32)
    neurons = op or LIF((2,), 0.75, 1.0, "zero", "gt")
    return chain(Input((3,)), Dense(weight, np.zeros(2, np.float32)), neurons, Output())


def back(path: Path) -> Graph:
    return open_nir(path).imported.graph


def nodes_alone(path: Path) -> tuple[Graph, NirConfig]:
    """The graph of the file's nodes, without the group that holds it exactly, read as that group says."""
    root = read_hdf5(path)
    own = root.groups.pop(NAME)
    reading = NirConfig(**json.loads(str(own.values["description"]))["reading"])
    plain = path.with_name("plain.nir")
    plain.write_bytes(to_bytes(root, h5py))
    return open_nir(plain, None, reading).imported.graph, reading


@settings(max_examples=20)
@given(graphs(resets=st.sampled_from(["zero", "subtract"])))
def test_every_graph_comes_back_equal(tmp_path_factory: pytest.TempPathFactory, graph: Graph) -> None:
    path = tmp_path_factory.mktemp("nir") / "net.nir"
    export_nir(graph, path)
    assert back(path) == graph


@settings(max_examples=12)
@given(graphs(resets=st.just("zero")), st.integers(0, 1 << 30))
def test_the_nodes_alone_give_the_same_spikes(
    tmp_path_factory: pytest.TempPathFactory, graph: Graph, seed: int
) -> None:
    path = tmp_path_factory.mktemp("nir") / "net.nir"
    export_nir(graph, path, strict=True)
    compares = {op.compare for op in graph.of(LIF).values()}
    if len(compares) > 1:
        with pytest.raises(UnsupportedError, match="NIR does not say its comparison"):
            nodes_alone(path)
        return
    found, _ = nodes_alone(path)
    shape = next(iter(graph.of(Input).values())).shape
    x = np.random.default_rng(seed).normal(size=(12, 3, *shape))
    mine, theirs = (interpret(g, x, 12, time_axis=True, dtype=np.float64) for g in (graph, found))
    for name in graph.of(LIF):
        assert np.array_equal(mine.spikes[name], theirs.spikes[name]), name
    for name in graph.of(Readout):
        np.testing.assert_allclose(mine.membrane[name], theirs.membrane[name], rtol=1e-4, atol=1e-4)


def test_delays_of_cycles_are_not_written(tmp_path: Path) -> None:
    synapses = {
        n: Dense(RNG.normal(size=(4, 4)).astype(np.float32), np.zeros(4, np.float32)) for n in ("fc", "rec")
    }
    ops: dict[str, Op] = {"x": Input((4,)), **synapses, "lif": LIF((4,), 0.5, 1.0, "zero", "gt")}
    ops |= {"back": Delay((4,), 1), "y": Output()}
    edges = [("x", "fc"), ("fc", "lif"), ("lif", "back"), ("back", "rec"), ("rec", "lif"), ("lif", "y")]
    export_nir(Graph(ops, edges), tmp_path / "n.nir")
    node = read_hdf5(tmp_path / "n.nir").groups["node"]
    assert sorted(node.groups["nodes"].groups) == ["fc", "lif", "rec", "x", "y"]
    assert ["lif", "rec"] in np.asarray(node.values["edges"]).tolist()


INTEGERS = Graph(
    {
        "x": IntInput((1, 4, 4), 15.0, 0, 15),
        "conv": IntConv(RNG.integers(-128, 128, (2, 1, 3, 3)), -2, (1, 1), (1, 1, 1, 1), (1, 1)),
        "lif": IntLIF((2, 4, 4), 4096, 409, RNG.integers(-9, 9, (2, 1, 1)), 640, "subtract", "ge"),
        "flat": Flatten(),
        "fc": IntDense(RNG.integers(-128, 128, (3, 32)), 1),
        "out": IntLIF((3,), 2048, 0, RNG.integers(-9, 9, 3), 0, "none"),
        "y": Output(),
    },
    [("x", "conv"), ("conv", "lif"), ("lif", "flat"), ("flat", "fc"), ("fc", "out"), ("out", "y")],
)
NETWORK = Network(
    INTEGERS,
    20,
    "loihi2",
    Registers(Register(24, "wrap"), Register(23, "saturate")),
    (Note("fc", "rounded"),),
    {"config": {"bits": 8}},
)


def test_a_network_comes_back_bit_for_bit(tmp_path: Path) -> None:
    notes = export_nir(NETWORK, tmp_path / "n.nir")
    model = open_nir(tmp_path / "n.nir")
    assert model.imported.graph == INTEGERS
    assert model.steps == 20
    assert model.imported.notes[0] == Note("fc", "rounded")
    for name in ("conv", "fc"):
        op, original = model.imported.graph.op(name), INTEGERS.op(name)
        assert op.weight_q.dtype == np.int8  # type: ignore[attr-defined]
        assert op.weight_q.tobytes() == original.weight_q.tobytes()  # type: ignore[attr-defined]
    assert "their rounding and saturation stand in /neurodeploy only" in str(notes[0])
    assert "lif: NIR cannot say reset by subtraction" in str(notes[1])


def test_nodes_of_a_network_hold_what_its_integers_mean(tmp_path: Path) -> None:
    meaning = float_meaning(INTEGERS)
    conv, lif, out = (meaning.op(name) for name in ("conv", "lif", "out"))
    assert isinstance(conv, Conv)
    assert isinstance(lif, LIF)
    assert np.array_equal(conv.weight, INTEGERS.op("conv").weight_q * np.float32(15 / 4))  # type: ignore[attr-defined]
    assert (float(lif.decay), float(lif.threshold), lif.reset) == (3687 / 4096, 639.5 / 64, "subtract")
    assert out == Readout((3,), 1.0, 0.5, INTEGERS.op("out").bias_q / 64)  # type: ignore[attr-defined]
    neurons = {
        "lif": IntLIF((2, 4, 4), 4096, 409, 3, 640, "zero"),
        "out": IntLIF((3,), 4096, 409, 5, 640, "zero"),
    }
    graph = INTEGERS.replaced(neurons)
    export_nir(graph, tmp_path / "n.nir")
    assert back(tmp_path / "n.nir") == graph
    found, _ = nodes_alone(tmp_path / "n.nir")
    fc = found.op("fc")
    assert isinstance(fc, Dense)
    assert fc.bias.tolist() == [5 / 64] * 3  # the bias of neurons is in their synapses


def test_bytes_are_the_same_every_time(tmp_path: Path) -> None:
    for name in ("a.nir", "b.nir"):
        export_nir(NETWORK, tmp_path / name)
    assert (tmp_path / "a.nir").read_bytes() == (tmp_path / "b.nir").read_bytes()


def test_arrays_are_stored_once(tmp_path: Path) -> None:
    weight = RNG.normal(size=(256, 512)).astype(np.float32)
    graph = chain(
        Input((512,)), Dense(weight, np.zeros(256, np.float32)), LIF((256,), 0.5, 1.0, "zero", "gt"), Output()
    )
    export_nir(graph, tmp_path / "n.nir")
    assert (tmp_path / "n.nir").stat().st_size < 1.5 * weight.nbytes


def test_an_existing_file_stays_until_the_new_one_is_there(tmp_path: Path) -> None:
    path = tmp_path / "n.nir"
    export_nir(small(), path)
    before = path.read_bytes()
    with pytest.raises(UnsupportedError):
        export_nir(small(LIF((2,), 0.5, 1.0, "subtract", "gt")), path, strict=True)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(InputError, match="cannot write"):
        export_nir(small(), tmp_path / "absent" / "n.nir")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f["node/nodes/n1/weight"].__setitem__((0, 0), 9.0), "file and group were changed since"),
        (lambda f: f[f"{NAME}/arrays"].__delitem__("n1.weight"), "file and group were changed since"),
        (lambda f: f["node/nodes"].move("n1", "n9"), "file and group were changed since"),
        (lambda f: f[NAME].__delitem__("digest"), "file and group were changed since"),
        (lambda f: f[NAME].__delitem__("format"), "its format is None; this version reads format 1"),
    ],
)
def test_changed_files_are_refused(tmp_path: Path, change: Any, message: str) -> None:
    path = tmp_path / "n.nir"
    export_nir(small(), path)
    with h5py.File(path, "a") as file:
        change(file)
    with pytest.raises(
        InputError, match=rf"n\.nir: group /neurodeploy: {message}.* Without that group, the nodes"
    ):
        open_nir(path)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"ir":{"layers":[]}}', '{"ir":NaN}', '{"ir":{"layers":[{"name":1}]}}', "[" * 9999]
)
def test_descriptions_that_are_none(tmp_path: Path, text: str) -> None:
    from neurodeploy.frontends.nir.exact import seal

    export_nir(small(), tmp_path / "n.nir")
    root: Group = read_hdf5(tmp_path / "n.nir")
    root.groups[NAME].values["description"] = text
    seal(root)
    (tmp_path / "n.nir").write_bytes(to_bytes(root, h5py))
    with pytest.raises(InputError, match="group /neurodeploy: "):
        open_nir(tmp_path / "n.nir")


def test_our_files_take_no_settings(tmp_path: Path) -> None:
    export_nir(small(), tmp_path / "n.nir")
    with pytest.raises(
        UsageError, match="was written by neurodeploy and says everything itself; leave out --from norse"
    ):
        open_nir(tmp_path / "n.nir", "norse")
    with pytest.raises(UsageError, match=r"leave out --set nir\.dt"):
        open_nir(tmp_path / "n.nir", None, NirConfig(dt=1.0))


@pytest.mark.parametrize(
    ("op", "what"),
    [
        (LIF((2,), 0.5, 1.0, "subtract", "gt"), "reset by subtraction"),
        (LIF((2,), 0.5, 1.0, "subtract", "gt", max_spikes=3), "reset by subtraction, up to 3 spikes a step"),
        (LIF((2,), 0.5, 1.0, "zero", "gt", refractory=2), "2 refractory steps"),
        (LIF((2,), 0.5, 1.0, "zero", "gt", v_min=-1.0), "a least potential"),
        (
            LIF((2,), 0.5, 1.0, "zero", "gt", current_decay=0.5, clear_current=True),
            "that the current is cleared",
        ),
        (LIF((2,), 0.5, 1.0, "zero", "gt", initial=0.5), "an initial potential"),
    ],
)
def test_what_neurons_of_nir_cannot_say(tmp_path: Path, op: LIF, what: str) -> None:
    graph = small(op)
    with pytest.raises(UnsupportedError, match=f"layer 'n2': NIR cannot say {what}"):
        export_nir(graph, tmp_path / "n.nir", strict=True)
    notes = export_nir(graph, tmp_path / "n.nir")
    assert f"n2: NIR cannot say {what}" in str(notes[0])
    assert back(tmp_path / "n.nir") == graph


def test_threshold_that_fires_is_noted(tmp_path: Path) -> None:
    (note,) = export_nir(small(LIF((2,), 0.5, 1.0, "zero", "ge")), tmp_path / "n.nir", strict=True)
    assert str(note) == "n2: fires at its threshold, NIR's neurons above it: other at exact ties only"


def conv(**fields: Any) -> Conv:
    default = {"stride": (1, 1), "padding": (0, 0, 0, 0), "dilation": (1, 1)}
    return Conv(np.ones((1, 1, 2, 2), np.float32), np.zeros(1, np.float32), **{**default, **fields})


@pytest.mark.parametrize(
    ("op", "message"),
    [
        (MaxPool((2, 2), (2, 2), (0,) * 4), "NIR has no node for 'max_pool'"),
        (Scale(2.0, 1.0), "NIR's Scale adds nothing"),
        (AveragePool((2,), (2,), (0, 0)), "NIR has pools over two axes only, not 1"),
        (AveragePool((2, 2), (2, 2), (0, 0, 1, 1)), "NIR's padding is the same before and after"),
        (AveragePool((2, 2), (2, 2), (1, 1, 1, 1), False), "NIR's mean counts the padding"),
        (
            conv(padding=(0, 0, 1, 0)),
            r"NIR's padding is the same before and after an axis, not \[0, 0\] and \[1, 0\]",
        ),
        (conv(padding=(0, 0, 1, 1), stride=(2, 2)), "NIR's padding is the same before and after an axis"),
    ],
)
def test_layers_that_nir_has_not(tmp_path: Path, op: Op, message: str) -> None:
    shape = (1, 4) if getattr(op, "kernel", None) == (2,) else (1, 4, 4)
    synapse = (
        conv() if len(shape) == 3 else Conv(np.ones((1, 1, 1), np.float32), np.zeros(1), (1,), (0, 0), (1,))
    )
    ops: dict[str, Op] = {"x": Input(shape), "op": op, "synapse": synapse}
    edges = [("x", "op"), ("op", "synapse"), ("synapse", "lif"), ("lif", "y")]
    out = Graph(ops, edges[:2]).types["synapse"].shape
    graph = Graph({**ops, "lif": LIF(out, 0.5, 1.0, "zero", "gt"), "y": Output()}, edges)
    with pytest.raises(UnsupportedError, match=f"layer 'op': {message}"):
        export_nir(graph, tmp_path / "n.nir")
    assert not list(tmp_path.iterdir())


def test_concatenation_is_refused(tmp_path: Path) -> None:
    dense = {n: Dense(np.ones((2, 3), np.float32), np.zeros(2, np.float32)) for n in ("a", "b")}
    ops: dict[str, Op] = {
        "x": Input((3,)),
        **dense,
        "cat": Concat(),
        "lif": LIF((4,), 0.5, 1.0, "zero", "gt"),
        "y": Output(),
    }
    edges = [("x", "a"), ("x", "b"), ("a", "cat"), ("b", "cat"), ("cat", "lif"), ("lif", "y")]
    with pytest.raises(UnsupportedError, match="layer 'cat': NIR has no node for 'concat'"):
        export_nir(Graph(ops, edges), tmp_path / "n.nir")


@pytest.mark.parametrize(
    "op",
    [
        LIF((2,), [0.5, 1.0], 1.0, "zero", "gt"),
        LIF((2,), 1.0, 1.0, "zero", "gt", current_decay=0.5),
        LIF((2,), 0.5, 1.0, "zero", "gt", current_decay=1.0),
        Readout((2,), 1.0, 0.5),
    ],
)
def test_neurons_without_leak_among_others(tmp_path: Path, op: LIF | Readout) -> None:
    graph = small(op)
    (note,) = export_nir(graph, tmp_path / "n.nir", strict=True)
    assert str(note) == "n2: a decay of 1 is written as 1 - 2^-30, because a time constant must be finite"
    found = nodes_alone(tmp_path / "n.nir")[0].op("n2")
    assert isinstance(found, (LIF, Readout))
    np.testing.assert_allclose(found.decay, op.decay, atol=1e-9)
    np.testing.assert_allclose(found.current_decay, op.current_decay, atol=1e-9)


@pytest.mark.parametrize("decay", [1.0, 0.75])
def test_bias_that_no_synapse_can_take(tmp_path: Path, decay: float) -> None:
    graph = chain(
        Input((3,)),
        Dense(np.eye(3), np.zeros(3)),
        Delay((3,), 1, "current"),
        LIF((3,), decay, 1.0, "zero", "gt", bias=[0.5, 0.25, 0.0]),
        Output(),
    )
    notes = [str(note) for note in export_nir(graph, tmp_path / "n.nir")]
    assert "n3: its bias is v_leak, which snnTorch and SpikingJelly do not read" in notes
    found = nodes_alone(tmp_path / "n.nir")[0]
    x = np.random.default_rng(1).normal(size=(15, 2, 3))
    mine, theirs = (
        interpret(g, x, 15, time_axis=True, dtype=np.float64).spikes["n3"] for g in (graph, found)
    )
    assert mine.any()
    assert np.array_equal(mine, theirs)


@pytest.mark.parametrize(
    ("options", "message"), [({"compat": "1.0.5"}, "compat must be '1.0.4'"), ({"dt": 0}, "dt must be")]
)
def test_options_that_make_no_sense(tmp_path: Path, options: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        export_nir(small(), tmp_path / "n.nir", **options)


def test_older_packages_get_no_reset_value(tmp_path: Path) -> None:
    graph = small()
    export_nir(graph, tmp_path / "n.nir", compat="1.0.4")
    root = read_hdf5(tmp_path / "n.nir")
    assert "v_reset" not in root.groups["node"].groups["nodes"].groups["n2"].values
    assert root.values["version"] == "1.0.4"
    assert back(tmp_path / "n.nir") == graph
    with pytest.raises(UnsupportedError, match=r"layer 'n2': NIR 1\.0\.4 has no CubaLI"):
        export_nir(small(Readout((2,), 0.5, 0.5)), tmp_path / "n.nir", compat="1.0.4")
