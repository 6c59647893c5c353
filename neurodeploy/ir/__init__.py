"""The typed graph: operations, edges, checks, text and JSON forms. Needs numpy and networkx alone."""

from neurodeploy.ir.graph import Graph
from neurodeploy.ir.json import from_json, to_json
from neurodeploy.ir.ops import (
    DECAY_ONE,
    LIF,
    OPS,
    Add,
    AveragePool,
    Concat,
    Conv,
    Delay,
    Dense,
    Flatten,
    Input,
    IntConv,
    IntDense,
    IntInput,
    IntLIF,
    IntSynapses,
    MaxPool,
    Op,
    Output,
    Readout,
    Scale,
    SumPool,
)
from neurodeploy.ir.parse import from_text
from neurodeploy.ir.text import to_text
from neurodeploy.ir.types import Shape, TensorType
from neurodeploy.ir.verify import verify
from neurodeploy.ir.windows import Windows

__all__ = [
    "DECAY_ONE",
    "LIF",
    "OPS",
    "Add",
    "AveragePool",
    "Concat",
    "Conv",
    "Delay",
    "Dense",
    "Flatten",
    "Graph",
    "Input",
    "IntConv",
    "IntDense",
    "IntInput",
    "IntLIF",
    "IntSynapses",
    "MaxPool",
    "Op",
    "Output",
    "Readout",
    "Scale",
    "Shape",
    "SumPool",
    "TensorType",
    "Windows",
    "from_json",
    "from_text",
    "to_json",
    "to_text",
    "verify",
]
