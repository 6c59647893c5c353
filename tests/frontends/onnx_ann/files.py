"""Small ONNX files made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from neurodeploy.frontends.onnx_ann import AnnConfig, OnnxAnn, open_ann

Array = npt.NDArray[Any]
NodeSpec = tuple[str, Sequence[str], str] | tuple[str, Sequence[str], str, Mapping[str, Any]]
DEFAULT = AnnConfig()
RANDOM = np.random.default_rng(0)


def normal(*shape: int) -> Array:
    return RANDOM.standard_normal(shape).astype(np.float32)


def images(*shape: int, samples: int = 12) -> Array:
    """Values in [0, 1)."""
    return np.random.default_rng(1).random((samples, *shape), dtype=np.float32)


def ints(*values: int) -> Array:
    return np.array(values, np.int64)


@dataclass(frozen=True)
class File:
    """A model from input x, `(n, *shape)`, to y: nodes (operator, inputs, output, attributes)."""

    shape: tuple[int, ...]
    nodes: Sequence[NodeSpec]
    constants: Mapping[str, Array]
    opset: int = 20
    batch: int | str = "n"

    @property
    def proto(self) -> onnx.ModelProto:
        made = [
            helper.make_node(op, inputs, [output], name=f"/{output}", **dict(*attributes))
            for op, inputs, output, *attributes in self.nodes
        ]
        graph = helper.make_graph(
            made,
            "ann",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [self.batch, *self.shape])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", "m"])],
            [numpy_helper.from_array(array, name) for name, array in self.constants.items()],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=9)

    def open(self, folder: Path, config: AnnConfig = DEFAULT) -> OnnxAnn:
        return open_proto(self.proto, folder, config)

    def reference(self, x: Array) -> Array:
        """What ONNX's own evaluator gives."""
        return np.asarray(ReferenceEvaluator(self.proto).run(None, {"x": x})[0])


def open_proto(proto: onnx.ModelProto, folder: Path, config: AnnConfig = DEFAULT) -> OnnxAnn:
    path = folder / "m.onnx"
    path.write_bytes(proto.SerializeToString())
    return open_ann(path, None, config)


def residual(opset: int = 20) -> File:
    """Conv, BN, ReLU, Conv, BN, + shortcut, ReLU6, average pool, flatten, Gemm: the same numbers every time."""
    draw = np.random.default_rng(3)

    def normal(*shape: int, size: float = 1.0) -> Array:
        return (size * draw.standard_normal(shape)).astype(np.float32)

    constants = {
        "w1": normal(4, 1, 3, 3, size=0.5),
        "b1": normal(4, size=0.1),
        "w2": normal(4, 4, 3, 3, size=0.3),
        "w3": normal(5, 16, size=0.5),
        "b3": normal(5, size=0.1),
        "low": np.float32(0),
        "high": np.float32(6),
        **{f"{name}{i}": normal(4, size=0.3) for name in ("beta", "mean") for i in (1, 2)},
        **{f"{name}{i}": 0.5 + draw.random(4, np.float32) for name in ("gamma", "var") for i in (1, 2)},
    }
    nodes: list[NodeSpec] = [
        ("Conv", ["x", "w1", "b1"], "c1", {"pads": [1, 1, 1, 1]}),
        ("BatchNormalization", ["c1", "gamma1", "beta1", "mean1", "var1"], "n1"),
        ("Relu", ["n1"], "r1"),
        ("Conv", ["r1", "w2"], "c2", {"pads": [1, 1, 1, 1]}),
        ("BatchNormalization", ["c2", "gamma2", "beta2", "mean2", "var2"], "n2"),
        ("Add", ["n2", "r1"], "sum"),
        ("Clip", ["sum", "low", "high"], "r2"),
        ("AveragePool", ["r2"], "pool", {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("Flatten", ["pool"], "flat"),
        ("Gemm", ["flat", "w3", "b3"], "y", {"transB": 1}),
    ]
    return File((1, 4, 4), nodes, constants, opset)
