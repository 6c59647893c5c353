"""Weights that lie in other files: read from the model's folder, never from elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from neurodeploy.errors import InputError
from neurodeploy.frontends.onnx_ann import AnnConfig, open_ann
from neurodeploy.frontends.onnx_ann.evaluate import activations
from tests.frontends.onnx_ann.files import File, images, normal, open_proto, residual


def external(tensor: onnx.TensorProto, **entries: object) -> None:
    """Make the tensor point to another file."""
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=str(value))


def test_in_the_same_folder(tmp_path: Path) -> None:
    proto, x = residual().proto, images(1, 4, 4)
    onnx.save(proto, tmp_path / "m.onnx", save_as_external_data=True, location="m.bin", size_threshold=0)
    assert (tmp_path / "m.bin").stat().st_size > 0
    ann = open_ann(tmp_path / "m.onnx", None, AnnConfig()).ann
    np.testing.assert_allclose(
        activations(ann.graph, x, frozenset({"y"}))["y"], residual().reference(x), rtol=1e-4
    )


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (
            {"location": "../secret.bin"},
            r"lie in '\.\./secret\.bin', which is not a file inside the model's folder",
        ),
        ({"location": "/etc/hostname"}, "lie in '/etc/hostname', which is not a file inside"),
        ({"location": "link.bin"}, "lie in 'link.bin', which is not a file inside"),
        ({"location": "w\0.bin"}, "which is not a file inside"),
        ({"location": ""}, "lie in '', which is not a file inside"),
        ({}, "which is not a file inside"),
        ({"location": "gone.bin"}, "cannot read 'gone.bin': No such file"),
        ({"location": "w.bin", "offset": 100}, r"takes bytes 100\.\.64 of 'w.bin', which has 64; cut short"),
        ({"location": "w.bin", "offset": 8, "length": 64}, r"takes bytes 8\.\.72 of 'w.bin', which has 64"),
        ({"location": "w.bin", "offset": -8}, r"takes bytes -8\.\."),
        ({"location": "w.bin", "length": "many"}, "offset and length in 'w.bin' must be integers"),
        ({"location": "w.bin", "length": 60}, "not valid ONNX|its numbers are damaged"),
    ],
)
def test_refused(entries: dict[str, object], message: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "w.bin").write_bytes(normal(4, 4).tobytes())
    (tmp_path / "secret.bin").write_bytes(normal(4, 4).tobytes())
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    proto = File((4,), [("MatMul", ["x", "w"], "y")], {"w": normal(4, 4)}).proto
    external(proto.graph.initializer[0], **entries)
    with pytest.raises(InputError, match=message):
        open_proto(proto, folder)


def test_constants_stay_inside(tmp_path: Path) -> None:
    value = numpy_helper.from_array(normal(4))
    external(value, location="w.bin")
    (tmp_path / "w.bin").write_bytes(normal(4).tobytes())
    proto = File((4,), [("Constant", [], "c", {"value": value}), ("Mul", ["x", "c"], "y")], {}).proto
    with pytest.raises(InputError, match=r"only those of initializers may|not valid ONNX"):
        open_proto(proto, tmp_path)
