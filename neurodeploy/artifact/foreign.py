"""Tell an artefact from any other ONNX model."""

from __future__ import annotations

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from neurodeploy.artifact.onnx_functions import DOMAIN


def is_foreign(path: Path) -> bool:
    """True for a readable ONNX model that does not use our functions; False for ours, and for damaged files."""
    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except (OSError, DecodeError):
        return False
    domains = {imported.domain for imported in model.opset_import}
    return bool(domains) and DOMAIN not in domains
