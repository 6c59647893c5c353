"""The typed graph: operations, edges, checks, text and JSON forms. Needs numpy and networkx alone."""

from neurodeploy.ir.graph import Graph
from neurodeploy.ir.json import from_json, to_json
from neurodeploy.ir.ops import (
    DECAY_ONE,
    LIF,
    OPS,
    Dense,
    Flatten,
    Input,
    IntDense,
    IntInput,
    IntLIF,
    Op,
    Output,
    Readout,
)
from neurodeploy.ir.text import to_text
from neurodeploy.ir.types import Shape, TensorType
from neurodeploy.ir.verify import verify

__all__ = [
    "DECAY_ONE",
    "LIF",
    "OPS",
    "Dense",
    "Flatten",
    "Graph",
    "Input",
    "IntDense",
    "IntInput",
    "IntLIF",
    "Op",
    "Output",
    "Readout",
    "Shape",
    "TensorType",
    "from_json",
    "to_json",
    "to_text",
    "verify",
]
