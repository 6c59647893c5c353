"""Files that are damaged, foreign or hostile give one error each and never a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurodeploy.errors import BackendMissing, InputError, NeurodeployError
from neurodeploy.frontends import hdf5
from neurodeploy.frontends.netx import NetxConfig, open_net
from tests.frontends.netx.files import BINARY, conv, dense, h5py, notes_of, write_net

LAYERS = (
    {"type": "input", "shape": [2, 3, 3]},
    conv(np.full((3, 2, 2, 2), 4), (3, 2, 2), bias=np.float32([1, 2, 3])),
    {"type": "flatten", "shape": [12, 1, 1]},
    dense(np.full((2, 12), 6)),
)


def read(path: Path) -> Any:
    return open_net(path, None, BINARY).read()


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*nothing.net: No such file"):
        read(tmp_path / "nothing.net")


def test_not_hdf5(tmp_path: Path) -> None:
    path = tmp_path / "text.net"
    path.write_text("layers: 3")
    with pytest.raises(InputError, match=r"text.net: not an HDF5 file \(9 bytes\)"):
        read(path)


def test_every_length_of_a_file_cut_short(tmp_path: Path) -> None:
    content = write_net(tmp_path / "net.net", *LAYERS).read_bytes()
    short = tmp_path / "short.net"
    for length in range(0, len(content) - 1, 997):
        short.write_bytes(content[:length])
        with pytest.raises(InputError, match=r"short.net: .*(not an HDF5 file|damaged or cut short)"):
            read(short)


def test_changed_bytes(tmp_path: Path) -> None:
    """Bytes changed at random: the file is read, or refused in one line."""
    content = write_net(tmp_path / "net.net", *LAYERS).read_bytes()
    rng = np.random.default_rng(0)
    path = tmp_path / "changed.net"
    refused = 0
    for _ in range(60):
        changed = bytearray(content)
        for place in rng.integers(0, len(content), 8):
            changed[place] = rng.integers(256)
        path.write_bytes(changed)
        try:
            read(path)
        except NeurodeployError as error:
            refused += 1
            assert "\n" not in str(error) and str(path) in str(error)
    assert refused > 10


def edit(path: Path, change: Callable[[Any], None]) -> Path:
    write_net(path / "net.net", *LAYERS)
    with h5py.File(path / "net.net", "r+") as file:
        change(file)
    return path / "net.net"


def _soft_link(file: Any) -> None:
    file["layer/1/weight2"] = h5py.SoftLink("/layer/1/weight")


def _external_link(file: Any) -> None:
    file["layer/1/stolen"] = h5py.ExternalLink("/etc/passwd", "/")


def _external_data(file: Any) -> None:
    del file["layer/1/bias"]
    file["layer/1"].create_dataset("bias", (3,), "f4", external=[("/etc/passwd", 0, 12)])


def _virtual_data(file: Any) -> None:
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (3,))
    del file["layer/1/bias"]
    file["layer/1"].create_virtual_dataset("bias", layout)


def _bomb(file: Any) -> None:
    del file["layer/1/bias"]
    file["layer/1"].create_dataset("bias", (1 << 40,), "f4", chunks=(1 << 20,), compression="gzip")


def _loop(file: Any) -> None:
    file["layer/1/neuron/again"] = file["layer"]


def _unknown_type(file: Any) -> None:
    file["layer/1"].create_dataset("time", data=np.array([(1, 2)], [("a", "i4"), ("b", "i4")]))


def _no_data(file: Any) -> None:
    file["layer/1"]["nothing"] = h5py.Empty("f4")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_soft_link, "/layer/1/weight2 is a link to another place"),
        (_external_link, "/layer/1/stolen is a link to another place"),
        (_external_data, "/layer/1/bias keeps its numbers in another file"),
        (_virtual_data, "/layer/1/bias keeps its numbers in another file"),
        (_bomb, r"/layer/1/bias brings the data to 43980465111\d\d bytes; the most is 2147483648"),
        (_loop, "nested more than 40 deep"),
        (_unknown_type, "/layer/1/time holds .*, which is neither real numbers nor text"),
        (_no_data, "/layer/1/nothing is empty"),
    ],
)
def test_hostile_content(tmp_path: Path, change: Callable[[Any], None], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(edit(tmp_path, change))


def test_large_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_net(tmp_path / "net.net", *LAYERS)
    monkeypatch.setattr(hdf5, "LARGEST_FILE", 1000)
    with pytest.raises(
        InputError, match=rf"net.net has {path.stat().st_size} bytes; the largest file is 1000"
    ):
        read(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda file: file.pop("layer"), "not a .net file of lava-dl, .* this holds nothing"),
        (
            lambda file: file.create_group("nodes"),
            "not a .net file of lava-dl, .* this holds 'layer', 'nodes'",
        ),
        (
            lambda file: file.move("layer/1", "layer/7"),
            "its layers must be groups called 0 to n-1, not 0, 2, 3, 7",
        ),
        (lambda file: file.move("layer/1", "layer/one"), "its layers must be groups called 0 to n-1"),
        (lambda file: file["layer"].create_dataset("n", data=4), "its layers must be groups called 0 to n-1"),
    ],
)
def test_foreign_files(tmp_path: Path, change: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(edit(tmp_path, change))


def test_huge_layers_take_no_memory(tmp_path: Path) -> None:
    layers = {"type": "input", "shape": [1 << 20, 1 << 20, 3]}, *LAYERS[1:]
    with pytest.raises(InputError, match=r"layer 0 \(input\): a layer of shape .* the most is 16777216"):
        read(write_net(tmp_path / "net.net", *layers))


def test_attributes_are_noted(tmp_path: Path) -> None:
    def annotate(file: Any) -> None:
        file.attrs["author"] = "me"
        file["layer/1/weight"].attrs["scale"] = 3.0
        file["layer/1/neuron"].attrs["dt"] = 1

    notes = "\n".join(map(str, read(edit(tmp_path, annotate)).notes))
    assert "file: HDF5 attributes are left out: author" in notes
    assert "layer 1 (conv): HDF5 attributes are left out: weight:scale, neuron/dt" in notes
    assert "attributes" not in notes_of(tmp_path, *LAYERS)


def test_without_h5py(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_net(tmp_path / "net.net", *LAYERS)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(BackendMissing, match=r"net.net needs h5py, .*pip install 'neurodeploy\[nir\]'"):
        open_net(path, None, NetxConfig())
