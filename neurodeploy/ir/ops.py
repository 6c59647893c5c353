"""The table of all operations, in two dialects that share some: float (what was trained) and integer (the chip)."""

from __future__ import annotations

from neurodeploy.ir.common_ops import Add, Concat, Delay, Flatten, Output
from neurodeploy.ir.float_ops import (
    LIF,
    AveragePool,
    Conv,
    Dense,
    Input,
    MaxPool,
    Readout,
    Scale,
    SumPool,
)
from neurodeploy.ir.integer_ops import IntConv, IntDense, IntInput, IntLIF, IntSynapses
from neurodeploy.ir.op import DECAY_ONE, Compare, Op, Reset

__all__ = [
    "DECAY_ONE",
    "LIF",
    "OPS",
    "Add",
    "AveragePool",
    "Compare",
    "Concat",
    "Conv",
    "Delay",
    "Dense",
    "Flatten",
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
    "Reset",
    "Scale",
    "SumPool",
]

OPS: dict[str, type[Op]] = {
    op.kind: op
    for op in (
        Input,
        Dense,
        Conv,
        SumPool,
        AveragePool,
        MaxPool,
        Scale,
        LIF,
        Readout,
        IntInput,
        IntDense,
        IntConv,
        IntLIF,
        Flatten,
        Add,
        Concat,
        Delay,
        Output,
    )
}
"""Every operation by its kind: the table that reading, writing and printing use."""
