"""ONNX files of plain ANNs -> rate-coded spiking networks.

`file` and `tensors` read the file, `builder` and `rules` make layers of its nodes, `reference` checks them against
ONNX's own evaluator, `fold` simplifies; `scales`, `convert` and `correct` make the spiking network.
"""

from neurodeploy.frontends.onnx_ann.config import AnnConfig
from neurodeploy.frontends.onnx_ann.model import OnnxAnn, open_ann

__all__ = ["AnnConfig", "OnnxAnn", "open_ann"]
