"""The artefact on disk: an ONNX model whose metadata hold the canonical graph, and a digest over all of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto, numpy_helper

from neurodeploy.artifact.onnx_model import build_model
from neurodeploy.errors import ArtifactError, NeurodeployError
from neurodeploy.files import write_atomic
from neurodeploy.ir import from_json, to_json
from neurodeploy.network import Network, Note
from neurodeploy.semantics import Register, Registers
from neurodeploy.zoo import artefact, is_zoo

PREFIX = "neurodeploy."
FORMAT = "2"
NO_DIGEST = "0" * 64
LARGEST_FILE = 1 << 31


def to_bytes(network: Network) -> bytes:
    """The artefact's bytes; the same network gives the same bytes."""
    model = build_model(network)
    graph, _ = to_json(network.graph)
    described = {
        "format": FORMAT,
        "target": network.target,
        "steps": network.steps,
        "registers": asdict(network.registers),
        "ir": graph,
        "notes": [asdict(note) for note in network.notes],
        "provenance": dict(network.provenance),
        "learning": dict(network.learning),
    }
    for key, value in described.items():
        text = value if isinstance(value, str) else _canonical(value)
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
            f"there is no file {path}; `neurodeploy compile MODEL -o {path}` makes one"
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
            f"its format is {described[PREFIX + 'format']!r:.40}; this version reads format {FORMAT}"
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
        values = {k: json.loads(described[PREFIX + k], parse_constant=_refuse) for k in _PARSED}
        registers = {name: Register(**values["registers"][name]) for name in ("u", "v")}
        graph = from_json(values["ir"], arrays)
        if _canonical(values["ir"]) != _canonical(to_json(graph)[0]):
            raise ArtifactError(
                "its layers are not written as those of this network are; the file was edited"
            )
        return Network(
            graph,
            values["steps"],
            described[PREFIX + "target"],
            Registers(**registers),
            tuple(Note(**note) for note in values["notes"]),
            dict(values["provenance"]),
            dict(values["learning"]),
        )
    except ArtifactError:
        raise
    except NeurodeployError as error:
        raise ArtifactError(f"its network is not valid: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise ArtifactError(f"its metadata are damaged: {type(error).__name__} {error}") from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


_PARSED = ("steps", "registers", "ir", "notes", "provenance", "learning")


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
