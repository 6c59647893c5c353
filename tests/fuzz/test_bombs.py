"""Small files that claim, or unpack to, more than a machine holds: refused with numbers before memory is taken."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from pathlib import Path

import h5py
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from neurodeploy.artifact import load as load_artifact
from neurodeploy.data import memory
from neurodeploy.data.idx import read_idx
from neurodeploy.data.npz import load_npz
from neurodeploy.errors import InputError
from neurodeploy.frontends.hdf5 import read_hdf5
from neurodeploy.frontends.onnx_ann import AnnConfig, open_ann
from neurodeploy.training import load_run
from tests.fuzz.protobuf import BYTES, build
from tests.fuzz.seals import run_folder as sealed
from tests.fuzz.seeds import run_folders
from tests.fuzz.watch import limited


@pytest.fixture(autouse=True)
def little_memory() -> object:
    with limited():
        yield


def zipped(path: Path, header: str, body: bytes, claimed: int | None = None) -> Path:
    """An archive of one array x, whose entry may claim another size."""
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + body
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.npy", content)
        if claimed is not None:
            file.getinfo("x.npy").file_size = claimed
    return path


def header(shape: str) -> str:
    return f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}\n"


def test_npz_that_unpacks_to_more_than_the_memory(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.npz", header("(1099511627776, 4)"), b"", claimed=1 << 45)
    with pytest.raises(
        InputError, match=r"its arrays are 32768.0 GiB when unpacked; at most half of this machine's"
    ):
        load_npz(path)


def test_npz_of_zeros(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_there", lambda: 1 << 20)
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((1 << 10, 1 << 10)))
    assert (tmp_path / "a.npz").stat().st_size < 10_000
    with pytest.raises(InputError, match=r"its arrays are 0\.0 GiB when unpacked"):
        load_npz(tmp_path / "a.npz")


def test_npz_with_a_header_of_more_than_there_is(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.npz", header("(4398046511104, 4)"), b"\0" * 64)
    with pytest.raises(InputError, match=r"not an .npz file of plain arrays \(Unable to allocate 128. TiB"):
        load_npz(path)


def test_idx_that_claims_everything(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes((0, 0, 8, 3)) + b"\xff" * 12)
    with pytest.raises(
        InputError, match="takes 79228162458924105385300197375 bytes after the header, but there are 0"
    ):
        read_idx(path, 3)


def test_idx_that_unpacks_to_more_than_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_there", lambda: 1 << 24)
    path = tmp_path / "a.gz"
    shape = (1 << 14, 1 << 6, 1 << 6)
    path.write_bytes(gzip.compress(bytes((0, 0, 8, 3)) + struct.pack(">3I", *shape) + bytes(1 << 26)))
    assert path.stat().st_size < 100_000
    with pytest.raises(InputError, match=r"its arrays are .* when unpacked"):
        read_idx(path, 3)


@pytest.mark.parametrize(
    ("shape", "chunks", "said"),
    [
        ((1 << 40, 4), (1 << 10, 4), r"brings the data to 3518437\d+ bytes; the most is 2147483648"),
        ((1 << 24, 4), (1 << 20, 4), r"would be 536870912 bytes, in a file of"),
        ((1 << 18, 4), (4, 4), r"would be 65536 chunks of \(4, 4\), in a file of"),
    ],
)
def test_hdf5_of_chunks_that_are_not_there(
    tmp_path: Path, shape: tuple[int, int], chunks: tuple[int, int], said: str
) -> None:
    with h5py.File(tmp_path / "a.nir", "w") as file:
        file["much"] = np.random.default_rng(0).random(2000)
        file.create_dataset("w", shape, "f8", chunks=chunks, compression="gzip")
    with pytest.raises(InputError, match=f"/w .*{said}"):
        read_hdf5(tmp_path / "a.nir")


def test_hdf5_of_zeros(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.nir", "w") as file:
        file.create_dataset("w", (1 << 12, 1 << 12), "f4", chunks=(1 << 12, 1 << 12), compression="gzip")
    with pytest.raises(InputError, match=r"/w \(4096, 4096\) would be 67108864 bytes, in a file of"):
        read_hdf5(tmp_path / "a.nir")


def nested(depth: int) -> bytes:
    """Graphs in attributes of nodes of graphs: ModelProto.graph 7, node 1, attribute 5, g 6."""
    content = b""
    for _ in range(depth):
        for field in (6, 5, 1):
            content = build([(field, BYTES, content)])
    return build([(7, BYTES, content)])


def test_protobuf_of_many_levels(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(nested(2000))
    for read in (load_artifact, lambda path: open_ann(path, None, AnnConfig())):
        with pytest.raises(InputError, match=r"not an ONNX model, or cut short \(\d+ bytes\)"):
            read(path)


@pytest.mark.parametrize("dims", [(1 << 40, 1 << 20), (1 << 31, 16)])
def test_constant_that_is_huge(tmp_path: Path, dims: tuple[int, int]) -> None:
    """A file of 200 bytes whose operator makes the numbers."""
    shape = helper.make_tensor("s", TensorProto.INT64, [2], dims)
    graph = helper.make_graph(
        [
            helper.make_node("ConstantOfShape", ["s"], ["w"]),
            helper.make_node("MatMul", ["x", "w"], ["y"]),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", dims[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", dims[1]])],
        [shape],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, tmp_path / "a.onnx")
    with pytest.raises(InputError, match=r"a\.onnx: .*\d"):
        open_ann(tmp_path / "a.onnx", None, AnnConfig())


def test_safetensors_with_a_huge_header(tmp_path: Path) -> None:
    files = run_folders()[0]
    for size in (1 << 62, 1 << 30):
        damaged = {**files, "weights.safetensors": struct.pack("<Q", size) + files["weights.safetensors"][8:]}
        for name, content in sealed(damaged).items():
            (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=r"weights\.safetensors is not a safetensors file: "):
            load_run(tmp_path)


def test_gzip_member_without_an_end(tmp_path: Path) -> None:
    held = io.BytesIO()
    with gzip.open(held, "wb") as file:
        file.write(bytes((0, 0, 8, 1)) + struct.pack(">I", 1 << 31) + bytes(1 << 20))
    (tmp_path / "a.gz").write_bytes(held.getvalue())
    with pytest.raises(InputError, match="takes 2147483648 bytes after the header, but there are 1048576"):
        read_idx(tmp_path / "a.gz", 1)
