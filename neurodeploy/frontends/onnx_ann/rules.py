"""The table of ONNX operators that a plain ANN may have."""

from __future__ import annotations

from neurodeploy.frontends.onnx_ann import constants, elementwise, pools, shapes, synapses
from neurodeploy.frontends.onnx_ann.builder import Rule
from neurodeploy.frontends.onnx_ann.constants import only_folded, or_folded

RULES: dict[str, Rule] = {
    "Add": or_folded(elementwise.add),
    "ArgMax": elementwise.last,
    "AveragePool": pools.average_pool,
    "BatchNormalization": elementwise.batch_normalization,
    "Cast": shapes.cast,
    "CastLike": shapes.cast,
    "Clip": elementwise.clip,
    "Concat": or_folded(elementwise.concat),
    "Constant": constants.constant,
    "Conv": synapses.conv,
    "Div": or_folded(elementwise.DIV),
    "Dropout": shapes.dropout,
    "Expand": only_folded,
    "Flatten": shapes.flatten,
    "Gather": only_folded,
    "Gemm": synapses.gemm,
    "GlobalAveragePool": pools.global_average_pool,
    "Identity": shapes.same,
    "LogSoftmax": elementwise.last,
    "MatMul": synapses.matmul,
    "MaxPool": pools.max_pool,
    "Mul": or_folded(elementwise.MUL),
    "ReduceMean": pools.reduce_mean,
    "Relu": elementwise.relu,
    "Reshape": or_folded(shapes.reshape),
    "Shape": constants.shape,
    "Slice": only_folded,
    "Softmax": elementwise.last,
    "Squeeze": or_folded(shapes.squeeze),
    "Sub": or_folded(elementwise.SUB),
    "Transpose": only_folded,
    "Unsqueeze": only_folded,
}
"""Every supported operator. A missing entry is the unsupported-operator error."""
