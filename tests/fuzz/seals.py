"""Digests made right again, so that a mutation gets past them to what they guard."""

from __future__ import annotations

import hashlib
import json
import re
from random import Random

import onnx
from google.protobuf.message import DecodeError

from neurodeploy.artifact.file import NO_DIGEST, PREFIX
from tests.fuzz import values
from tests.fuzz.seeds import Case

SHA256 = re.compile(rb"[0-9a-f]{64}")


def artifact(case: Case) -> Case:
    """The last digest in the file is that of the file."""
    content = case["f.onnx"]
    found = SHA256.findall(content)
    if not found:
        return case
    blank = content.replace(found[-1], NO_DIGEST.encode())
    return {"f.onnx": content.replace(found[-1], hashlib.sha256(blank).hexdigest().encode())}


def artifact_metadata(content: bytes, draw: Random) -> bytes:
    """One value in the metadata of an artefact changed."""
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
        entry = draw.choice(model.metadata_props)
        entry.value = values.json_text(entry.value.encode(), draw).decode("utf-8", "replace")
    except (DecodeError, IndexError, AttributeError):
        return content
    if entry.key == PREFIX + "sha256":
        return content
    return bytes(model.SerializeToString(deterministic=True))


def run_folder(case: Case) -> Case:
    """`run.json` names the tensors that are there."""
    try:
        info = json.loads(case["run.json"])
        info["files"] = {
            name: hashlib.sha256(case[name]).hexdigest() for name in info["files"] if name in case
        }
        return {**case, "run.json": json.dumps(info).encode()}
    except (ValueError, TypeError, KeyError, RecursionError):
        return case
