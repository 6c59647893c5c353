"""An ONNX file as a checked protobuf, whole in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto

from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.frontends.onnx_ann.one_line import one_line
from neurodeploy.frontends.onnx_ann.tensors import load_external

LARGEST_FILE = 1 << 31
"""Most bytes of a model with the files beside it."""
OLDEST_OPSET = 7
"""The first in which broadcasting and batch normalization mean what they do today."""
OWN_DOMAIN = "neurodeploy"


@dataclass(frozen=True, slots=True)
class OnnxFile:
    """A valid model of the standard operators, with one input and one output and all tensors inside."""

    proto: onnx.ModelProto
    opset: int
    input: onnx.ValueInfoProto
    output: str


def read_file(path: Path) -> OnnxFile:
    """Read a model and check it by the standard's own rules.

    Raises `InputError`/`UnsupportedError` naming the file and what is wrong in one line.
    """
    try:
        proto = _parse(path)
        _load_tensors(proto, path.parent)
        return _checked(proto)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    except InputError as error:
        raise type(error)(f"{path}: {' '.join(str(error).split())}") from None


def _parse(path: Path) -> onnx.ModelProto:
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise InputError(f"has {size} bytes; the largest model is {LARGEST_FILE}")
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(path.read_bytes())
    except DecodeError:
        raise InputError(f"not an ONNX model, or cut short ({size} bytes)") from None
    if not proto.graph.node:
        raise InputError(f"not an ONNX model, or one without operators ({size} bytes)")
    return proto


def _load_tensors(proto: onnx.ModelProto, folder: Path) -> None:
    total = 0
    for tensor in proto.graph.initializer:
        if tensor.data_location == TensorProto.EXTERNAL:
            total += load_external(tensor, folder)
            if total > LARGEST_FILE:
                raise InputError(f"its tensors have more than {LARGEST_FILE} bytes, which is the most")


def _checked(proto: onnx.ModelProto) -> OnnxFile:
    if any(str(p.key).startswith(f"{OWN_DOMAIN}.") for p in proto.metadata_props):
        raise InputError("a compiled network, not a model to compile; `neurodeploy run` takes it as it is")
    opset = _opset(proto)
    _only_standard(proto)
    try:
        onnx.checker.check_model(proto)
    except (onnx.checker.ValidationError, ValueError, RuntimeError, UnicodeDecodeError) as error:
        raise InputError(f"not valid ONNX: {one_line(error)}") from None
    graph = proto.graph
    known = {tensor.name for tensor in graph.initializer}
    inputs = [given for given in graph.input if given.name not in known]
    for what, found in (("input", inputs), ("output", graph.output)):
        if len(found) != 1:
            names = ", ".join(f"'{value.name}'" for value in found) or "none"
            raise UnsupportedError(f"must have one {what}, but has {len(found)} ({names})")
    return OnnxFile(proto, opset, inputs[0], graph.output[0].name)


def _opset(proto: onnx.ModelProto) -> int:
    versions = [entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")]
    newest = onnx.defs.onnx_opset_version()
    if len(versions) != 1 or not OLDEST_OPSET <= versions[0] <= newest:
        found = ", ".join(map(str, versions)) or "none"
        raise UnsupportedError(
            f"its opset is {found}; opsets {OLDEST_OPSET} to {newest} are read. Export it with 17"
        )
    return int(versions[0])


def _only_standard(proto: onnx.ModelProto) -> None:
    for node in proto.graph.node:
        if node.domain not in ("", "ai.onnx"):
            raise UnsupportedError(
                f"node '{node.name or node.op_type}' is {node.domain}::{node.op_type}, which is not standard ONNX"
            )
