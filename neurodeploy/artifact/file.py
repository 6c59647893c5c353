"""The artefact on disk: an ONNX model whose metadata hold the canonical graph, and a digest over all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto, numpy_helper

from neurodeploy.artifact.onnx_model import build_model
from neurodeploy.command_line import command_line
from neurodeploy.errors import ArtifactError, NeurodeployError
from neurodeploy.files import write_atomic
from neurodeploy.ir import from_json, to_json
from neurodeploy.network import Network
from neurodeploy.network_json import canonical, network_from_json, network_to_json, parse
from neurodeploy.zoo import artefact, is_zoo

PREFIX = "neurodeploy."
FORMAT = "2"
NO_DIGEST = "0" * 64
LARGEST_FILE = 1 << 31


def to_bytes(network: Network) -> bytes:
    """The artefact's bytes; the same network gives the same bytes."""
    model = build_model(network)
    facts, _ = network_to_json(network)
    for key, value in {"format": FORMAT, **facts}.items():
        text = value if isinstance(value, str) else canonical(value)
        model.metadata_props.add(key=PREFIX + key, value=text)
    model.metadata_props.add(key=PREFIX + "sha256", value=NO_DIGEST)
    blank = model.SerializeToString(deterministic=True)
    model.metadata_props[-1].value = hashlib.sha256(blank).hexdigest()
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def save(network: Network, path: Path) -> None:
    """Write the artefact; an existing file is replaced only once the new one is complete."""
    write_atomic(path, to_bytes(network))


def load(path: str | Path) -> Network:
    """Read and check an artefact; `zoo:NAME` is one that comes with the package.

    1. It is an ONNX model with our metadata. 2. The digest is that of the file. 3. The metadata describe a
    valid network. 4. The ONNX graph is the one which that network yields.

    Raises `ArtifactError` saying which of these fails; nothing in the file is executed.
    """
    path = artefact(str(path)) if is_zoo(path) else Path(path)
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ArtifactError(
                f"{path} has {path.stat().st_size} bytes; the largest artefact is {LARGEST_FILE}"
            )
        return from_bytes(path.read_bytes())
    except FileNotFoundError:
        raise ArtifactError(
            f"there is no file {path}; "
            f"`{command_line('neurodeploy', 'compile', 'MODEL', '-o', path)}` makes one"
        ) from None
    except OSError as error:
        raise ArtifactError(f"cannot read {path}: {error.strerror or error}") from None
    except ArtifactError as error:
        raise ArtifactError(f"{path}: {' '.join(str(error).split())}") from None


def from_bytes(content: bytes) -> Network:
    """The network in an artefact's bytes; see `load`."""
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError:
        raise ArtifactError(f"not an ONNX model, or cut short ({len(content)} bytes)") from None
    described = {p.key: p.value for p in model.metadata_props}
    if len(described) != len(model.metadata_props):
        raise ArtifactError("a metadata key is there twice; the file was edited")
    if not all(isinstance(text, str) for pair in described.items() for text in pair):
        raise ArtifactError("its metadata are not text; damaged or edited")
    _check_digest(content, described)
    network = _network(described, _arrays(model))
    try:
        expected = build_model(network)
    except NeurodeployError as error:
        raise ArtifactError(f"its network has no ONNX form: {error}") from None
    except (ValueError, TypeError, OverflowError, MemoryError) as error:
        raise ArtifactError(f"its network has no ONNX form: {type(error).__name__} {error}") from None
    for part in ("graph", "functions", "opset_import", "ir_version"):
        if getattr(model, part) != getattr(expected, part):
            raise ArtifactError(f"the ONNX {part} is not the one that the network in its metadata yields")
    return network


def _check_digest(content: bytes, described: Mapping[str, str]) -> None:
    if PREFIX + "format" not in described or PREFIX + "sha256" not in described:
        raise ArtifactError(
            "an ONNX model, but not an artefact of neurodeploy (it has no neurodeploy metadata)"
        )
    if described[PREFIX + "format"] != FORMAT:
        raise ArtifactError(
            f"its format is {described[PREFIX + 'format']!r:.40}; this version reads format {FORMAT}; "
            "compile the model again"
        )
    digest = described[PREFIX + "sha256"].encode()
    if len(digest) != len(NO_DIGEST) or content.count(digest) != 1:
        raise ArtifactError("its sha256 is not one digest; the file was edited")
    found = hashlib.sha256(content.replace(digest, NO_DIGEST.encode())).hexdigest()
    if found != digest.decode():
        raise ArtifactError(
            f"its sha256 is {found[:12]}..., recorded is {digest.decode()[:12]}...; damaged or edited"
        )


def _arrays(model: onnx.ModelProto) -> dict[str, npt.NDArray[Any]]:
    arrays = {}
    for tensor in model.graph.initializer:
        if tensor.data_location == TensorProto.EXTERNAL:
            raise ArtifactError(f"tensor '{tensor.name}' lies in another file; an artefact is one file")
        try:
            arrays[tensor.name] = numpy_helper.to_array(tensor)
        except (KeyError, ValueError, TypeError) as error:
            raise ArtifactError(f"tensor '{tensor.name}' is damaged: {error}") from None
    return arrays


def _network(described: Mapping[str, str], arrays: Mapping[str, npt.NDArray[np.generic]]) -> Network:
    try:
        facts = {k: parse(described[PREFIX + k]) for k in _PARSED}
        graph = from_json(facts["ir"], arrays)
        if canonical(facts["ir"]) != canonical(to_json(graph)[0]):
            raise ArtifactError(
                "its layers are not written as those of this network are; the file was edited"
            )
        return network_from_json(graph, {**facts, "target": described[PREFIX + "target"]})
    except ArtifactError:
        raise
    except NeurodeployError as error:
        raise ArtifactError(f"its network is not valid: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise ArtifactError(f"its metadata are damaged: {type(error).__name__} {error}") from None


_PARSED = ("steps", "registers", "ir", "notes", "provenance", "learning")
