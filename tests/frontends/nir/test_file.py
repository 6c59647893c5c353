"""Files that are damaged, hostile, strange or old: one line that names file and node, and no harm."""

from __future__ import annotations

import builtins
import random
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neurodeploy.errors import BackendMissing, InputError, NeurodeployError, UnsupportedError
from neurodeploy.frontends import hdf5
from neurodeploy.frontends.nir import open_nir
from neurodeploy.ir import Dense, Graph, Input
from tests.frontends.nir.files import PLAIN, affine, chain, graph, inputs, lif, outputs, read, write


def simple(path: Path) -> Path:
    return chain(path / "net.nir", (3,), (2,), fc=affine(np.ones((2, 3))), lif=lif(2))


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def test_a_simple_file(tmp_path: Path) -> None:
    found = read(simple(tmp_path))
    assert found.names == ("input", "fc", "lif", "output")
    assert found.op("input") == Input((3,))


def test_numbers_of_any_type_and_byte_order(tmp_path: Path) -> None:
    for kind in ("<f2", ">f4", "<f8", "i1", ">i8"):
        node = {"type": "Linear", "weight": np.arange(6).reshape(2, 3).astype(kind)}
        op = read(chain(tmp_path / "n.nir", (3,), (2,), fc=node, lif=lif(2))).op("fc")
        assert isinstance(op, Dense)
        assert op.weight.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_doubles_that_float32_cannot_hold_are_noted(tmp_path: Path) -> None:
    node = {"type": "Linear", "weight": np.array([[0.1, 0.5]])}
    path = chain(tmp_path / "n.nir", (2,), (1,), fc=node, lif=lif(1))
    notes = [str(note) for note in open_nir(path, None, PLAIN).imported.notes]
    assert "fc: weight: 1 of 2 numbers of float64 rounded to float32" in notes


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*absent\.nir: No such file"):
        open_nir(tmp_path / "absent.nir")


def test_not_hdf5(tmp_path: Path) -> None:
    path = tmp_path / "n.nir"
    path.write_bytes(b"PK\x03\x04" * 20)
    assert refusal(path) == "not an HDF5 file (80 bytes)"


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5, "LARGEST_FILE", 100)
    with pytest.raises(InputError, match=r"has \d+ bytes; the largest file is 100"):
        read(simple(tmp_path))


def test_without_h5py(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, real = simple(tmp_path), builtins.__import__

    def absent(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "h5py":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(BackendMissing, match=r"not installed: pip install 'neurodeploy\[nir\]'"):
        open_nir(path)


def test_cut_short_anywhere(tmp_path: Path) -> None:
    content = simple(tmp_path).read_bytes()
    path = tmp_path / "cut.nir"
    for size in range(0, len(content) - 1, 397):
        path.write_bytes(content[:size])
        refusal(path)


def test_damaged_anywhere(tmp_path: Path) -> None:
    content = simple(tmp_path).read_bytes()
    rng, path, refused = random.Random(7), tmp_path / "damaged.nir", 0
    for _ in range(120):
        damaged = bytearray(content)
        for _ in range(rng.choice((1, 3, 30))):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        path.write_bytes(damaged)
        try:
            read(path)
        except NeurodeployError as error:
            refused += 1
            assert str(error).startswith(f"{path}: ")
            assert "\n" not in str(error)
    assert refused > 30


def test_links_are_not_followed(tmp_path: Path) -> None:
    for link in (h5py.SoftLink("/node/nodes/fc"), h5py.ExternalLink("/etc/passwd", "/x")):
        path = simple(tmp_path)
        with h5py.File(path, "a") as file:
            file["node/nodes/extra"] = link
        assert (
            refusal(path) == "/node/nodes/extra is a link to another place; the file must hold its own data"
        )


def test_group_that_holds_itself(tmp_path: Path) -> None:
    path = simple(tmp_path)
    with h5py.File(path, "a") as file:
        file["node/nodes/fc/again"] = file["node"]
    assert refusal(path).startswith("its groups are nested more than 40 deep")


def test_data_in_other_files(tmp_path: Path) -> None:
    path = simple(tmp_path)
    with h5py.File(path, "a") as file:
        file.create_dataset("node/nodes/fc/extra", (4,), "f4", external=[("elsewhere.bin", 0, 16)])
    assert "/node/nodes/fc/extra keeps its numbers in another file" in refusal(path)
    path = simple(tmp_path)
    with h5py.File(path, "a") as file:
        layout = h5py.VirtualLayout((4,), "f4")
        layout[:] = h5py.VirtualSource("elsewhere.h5", "x", (4,))
        file.create_virtual_dataset("node/nodes/fc/extra", layout)
    assert "/node/nodes/fc/extra keeps its numbers in another file" in refusal(path)


def test_data_that_would_grow(tmp_path: Path) -> None:
    path = simple(tmp_path)
    with h5py.File(path, "a") as file:
        file.create_dataset("node/nodes/fc/extra", (1 << 40,), "f8", chunks=(1024,), compression="gzip")
    assert "extra brings the data to" in refusal(path)
    path = simple(tmp_path)
    with h5py.File(path, "a") as file:
        file.create_dataset("node/nodes/fc/extra", (1 << 22,), "f8")
    assert "would be 33554432 bytes, in a file of" in refusal(path)


def test_filter_of_a_plug_in(tmp_path: Path) -> None:
    path = simple(tmp_path)
    with h5py.File(path, "a") as file:
        settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        settings.set_chunk((2,))
        settings.set_filter(32015, h5py.h5z.FLAG_OPTIONAL)
        space, kind = h5py.h5s.create_simple((2,)), h5py.h5t.IEEE_F32LE
        h5py.h5d.create(file["node/nodes/fc"].id, b"extra", kind, space, dcpl=settings)
    assert "extra is packed by filters [32015]; read are gzip, shuffle, fletcher32, lzf" in refusal(path)


def test_too_many_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5, "MOST_NAMES", 10)
    assert refusal(simple(tmp_path)) == "holds more than 10 names"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            np.ones((2, 3), np.complex64),
            "/node/nodes/fc/weight holds complex64, which is neither real numbers nor",
        ),
        (np.zeros(2, [("a", "f4")]), "neither real numbers nor text"),
        ("many", "node 'fc' (Linear): weight must be numbers, not text"),
        (np.full((2, 3), np.nan), "node 'fc' (Linear): weight holds 6 of 6 values that are NaN or infinite"),
        (np.full((2, 3), -np.inf), "node 'fc' (Linear): weight holds 6 of 6 values that are NaN or infinite"),
        (np.ones((2, 4)), "node 'fc' (Linear): weight (2, 4) takes 4 inputs, but gets shape (3,)"),
        (np.ones((2, 2, 3)), "node 'fc' (Linear): weight (2, 2, 3) must be (out, in)"),
        (np.ones(3), "node 'fc' (Linear): weight (3,) must be (out, in)"),
        (np.ones((0, 3)), "node 'fc' (Linear): weight is empty (shape (0, 3))"),
        (np.full((2, 3), 1e300), "op 'dense': weight holds 6 of 6 values that are NaN or too large"),
    ],
)
def test_wrong_numbers(tmp_path: Path, values: Any, message: str) -> None:
    node = {"type": "Linear", "weight": values}
    assert message in refusal(chain(tmp_path / "n.nir", (3,), (2,), fc=node, lif=lif(2)))


def test_unknown_kind(tmp_path: Path) -> None:
    path = chain(tmp_path / "n.nir", (3,), (3,), pool={"type": "MaxPool2d", "kernel_size": 2})
    with pytest.raises(
        UnsupportedError, match=r"n\.nir: node 'pool' \(MaxPool2d\): this kind of node is not read; read are"
    ):
        read(path)


def test_unknown_and_missing_fields(tmp_path: Path) -> None:
    extra = {**lif(2), "bits": 8}
    path = chain(tmp_path / "n.nir", (2,), (2,), fc=affine(np.eye(2)), lif=extra)
    assert refusal(path) == "node 'lif' (LIF): field 'bits' is unknown; what it means is not known"
    path = chain(tmp_path / "n.nir", (2,), (2,), fc=affine(np.eye(2)), lif=lif(2, tau=None))
    assert refusal(path) == "node 'lif' (LIF): field 'tau' is missing"


def test_metadata_and_declared_types_are_passed_over(tmp_path: Path) -> None:
    node = {**lif(2), "metadata": {"author": "me", "n": 3}, "input_type": np.array([2])}
    assert read(chain(tmp_path / "n.nir", (2,), (2,), fc=affine(np.eye(2)), lif=node)).op("lif")


NODES = {"input": inputs(2), "fc": affine(np.eye(2)), "lif": lif(2), "output": outputs(2)}
CHAIN = [("input", "fc"), ("fc", "lif"), ("lif", "output")]


@pytest.mark.parametrize(
    ("nodes", "edges", "message"),
    [
        (NODES, [*CHAIN, ("lif", "nowhere")], "the graph: edge lif -> nowhere: there is no node 'nowhere'"),
        (NODES, [*CHAIN, ("fc", "lif")], "edge fc -> lif is there twice"),
        (NODES, CHAIN[1:], "node 'fc' (Affine): no edge leads to it"),
        (NODES, CHAIN[:-1], "node 'lif' (LIF): no edge leads from it"),
        ({**NODES, "fc2": affine(np.eye(2))}, CHAIN, "node 'fc2' (Affine): no edge leads to it"),
        (
            {**NODES, "in2": inputs(2)},
            [*CHAIN, ("in2", "fc")],
            "a network must have one Input, not 2 (in2, input)",
        ),
        ({**NODES, "output": lif(2)}, CHAIN, "a network must have one Output, not 0 (none)"),
        ({**NODES, "a b": lif(2), "a-b": lif(2)}, CHAIN, "two nodes are called 'a_b'"),
        (
            {**NODES, "a": {"b": lif(2)}},
            CHAIN,
            "node 'a' does not say its type; the names of nodes must not hold '/'",
        ),
        ({**NODES, "a": np.zeros(2)}, CHAIN, "the graph: node 'a' must be a group, not an array"),
        (
            {**NODES, "output": outputs(3)},
            CHAIN,
            "node 'output' (Output): shape says [3], but 'lif' gives [2]",
        ),
        (
            {**NODES, "input": inputs(0)},
            CHAIN,
            "node 'input' (Input): shape must be positive extents, not [0]",
        ),
        (
            {**NODES, "input": inputs(2, 3, 4, 5)},
            CHAIN,
            "node 'input' (Input): shape (2, 3, 4, 5) must be (features,) or",
        ),
    ],
)
def test_graphs_that_contradict_themselves(tmp_path: Path, nodes: Any, edges: Any, message: str) -> None:
    assert message in refusal(write(tmp_path / "n.nir", nodes, edges))


def test_edges_that_are_no_names(tmp_path: Path) -> None:
    path = simple(tmp_path)
    with h5py.File(path, "a") as file:
        del file["node/edges"]
        file["node/edges"] = np.zeros((3, 2))
    assert refusal(path) == "the graph: edges must be pairs of names, not float64 (3, 2)"


def test_hdf5_that_is_no_nir(tmp_path: Path) -> None:
    path = tmp_path / "n.nir"
    with h5py.File(path, "w") as file:
        file["layer/weight"] = np.zeros(2)
    assert refusal(path).startswith("it has no group 'node', but ['layer']; not a NIR file")


def test_names_are_made_plain(tmp_path: Path) -> None:
    path = chain(tmp_path / "n.nir", (2,), (2,), **{"layer 1": affine(np.eye(2)), "lif-é": lif(2)})
    model = open_nir(path, None, PLAIN)
    assert model.imported.graph.names == ("input", "layer_1", "lif_é", "output")
    assert "layer_1: is called 'layer 1' in the file" in str(model.imported.notes[0])


def recurrent() -> dict[str, Any]:
    nodes = {"input": inputs(2), "lif": lif(2), "w_rec": affine(np.ones((2, 2))), "output": outputs(2)}
    return graph(nodes, [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")])


def test_nested_graphs_are_laid_flat(tmp_path: Path) -> None:
    inner = recurrent()
    outer = graph(
        {"input": inputs(2), "rnn": inner, "output": outputs(2)}, [("input", "rnn"), ("rnn", "output")]
    )
    path = chain(tmp_path / "n.nir", (2,), (2,), fc=affine(np.eye(2)), deep=outer)
    found = read(path)
    assert set(found.edges) == {
        ("input", "fc"),
        ("fc", "deep.rnn.lif"),
        ("deep.rnn.lif", "deep.rnn.lif.delay"),
        ("deep.rnn.lif.delay", "deep.rnn.w_rec"),
        ("deep.rnn.w_rec", "deep.rnn.lif"),
        ("deep.rnn.lif", "output"),
    }


def test_nested_graph_with_two_inputs(tmp_path: Path) -> None:
    inner = recurrent()
    inner["nodes"]["other"] = inputs(2)
    path = chain(tmp_path / "n.nir", (2,), (2,), fc=affine(np.eye(2)), rnn=inner)
    assert "graph 'rnn' must have one Input, not 2 (rnn.input, rnn.other)" in refusal(path)


def test_nested_and_flat_name_that_are_the_same(tmp_path: Path) -> None:
    nodes = {"rnn": recurrent(), "rnn.lif": lif(2)}
    assert "two nodes are called 'rnn.lif'" in refusal(chain(tmp_path / "n.nir", (2,), (2,), **nodes))


def test_file_of_version_0_1(tmp_path: Path) -> None:
    """Without /version, v_reset and w_in, as nir 0.1 writes it."""
    cuba = {k: np.full(2, 4.0) for k in ("tau_mem", "tau_syn", "r", "v_threshold")} | {"v_leak": np.zeros(2)}
    path = chain(tmp_path / "n.nir", (2,), (2,), fc=affine(np.eye(2)), lif=lif(2, v_reset=None), l=affine(np.eye(2)),
                 cuba={"type": "CubaLIF", **cuba})  # fmt: skip
    with h5py.File(path, "a") as file:
        del file["version"]
    found = read(path)
    assert isinstance(found, Graph)
    assert float(found.op("cuba").current_decay) == 0.75  # type: ignore[attr-defined]
