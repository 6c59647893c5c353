"""The artefact: one `.onnx` file that any ONNX Runtime runs and that holds everything about the network."""

from neurodeploy.artifact.file import from_bytes, load, save, to_bytes
from neurodeploy.artifact.foreign import is_foreign
from neurodeploy.artifact.onnx_model import build_model

__all__ = ["build_model", "from_bytes", "is_foreign", "load", "save", "to_bytes"]
