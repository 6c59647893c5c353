"""Every operator, read and evaluated, against ONNX's reference evaluator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurodeploy.errors import InputError
from neurodeploy.frontends.onnx_ann.evaluate import activations
from neurodeploy.frontends.onnx_ann.fold import fold
from neurodeploy.frontends.onnx_ann.reference import check_against_reference
from tests.frontends.onnx_ann.files import Array, File, NodeSpec, images, ints, normal, residual

BN = {name: np.abs(normal(3)) + 0.1 for name in ("g", "b", "m", "v")}
MEAN = ("ReduceMean", ["x"], "y", {"axes": [2, 3], "keepdims": 0})


def pool(op: str = "AveragePool", **attributes: object) -> list[NodeSpec]:
    return [(op, ["x"], "y", {"kernel_shape": [3, 2], "strides": [2, 2], **attributes})]


def conv(**attributes: object) -> list[NodeSpec]:
    return [("Conv", ["x", "w", "b"], "y", attributes)]


W, B = normal(6, 3, 3, 2), normal(6)
CASES: dict[str, tuple[tuple[int, ...], list[NodeSpec], dict[str, Array]]] = {
    "conv": ((3, 7, 6), conv(pads=[1, 0, 2, 1], strides=[2, 1], dilations=[1, 2]), {"w": W, "b": B}),
    "conv-groups": ((6, 5, 5), conv(group=2), {"w": W, "b": B}),
    "conv-same-upper": ((3, 7, 6), conv(auto_pad="SAME_UPPER", strides=[2, 2]), {"w": W, "b": B}),
    "conv-same-lower": ((3, 7, 6), conv(auto_pad="SAME_LOWER"), {"w": W, "b": B}),
    "conv-valid": ((3, 7, 6), conv(auto_pad="VALID"), {"w": W, "b": B}),
    "conv-1d": ((3, 9), conv(pads=[1, 1]), {"w": W[..., 0], "b": B}),
    "gemm": (
        (5,),
        [("Gemm", ["x", "w", "b"], "y", {"alpha": 0.5, "beta": 2.0})],
        {"w": normal(5, 4), "b": normal(4)},
    ),
    "gemm-scalar-bias": (
        (5,),
        [("Gemm", ["x", "w", "b"], "y", {"transB": 1})],
        {"w": normal(4, 5), "b": normal()},
    ),
    "matmul-add": (
        (5,),
        [("MatMul", ["x", "w"], "p"), ("Add", ["b", "p"], "y")],
        {"w": normal(5, 4), "b": normal(4)},
    ),
    "transposed-weight": (
        (5,),
        [("Transpose", ["w"], "t", {"perm": [1, 0]}), ("MatMul", ["x", "t"], "y")],
        {"w": normal(4, 5)},
    ),
    "batch-norm": ((3, 4, 4), [("BatchNormalization", ["x", "g", "b", "m", "v"], "y", {"epsilon": 0.1})], BN),
    "constants": (
        (3, 4, 4),
        [
            ("Mul", ["x", "a"], "p"),
            ("Sub", ["c", "p"], "q"),
            ("Div", ["q", "a"], "r"),
            ("Sub", ["r", "a"], "y"),
        ],
        {"a": BN["g"].reshape(3, 1, 1), "c": normal(1, 3, 4, 4)},
    ),
    "average-pool": ((2, 7, 6), pool(), {}),
    "average-pool-counted": ((2, 7, 6), pool(pads=[1, 1, 1, 0], count_include_pad=1), {}),
    "average-pool-not-counted": ((2, 7, 6), pool(pads=[1, 1, 1, 0]), {}),
    "average-pool-ceil": ((2, 6, 5), pool(ceil_mode=1), {}),
    "average-pool-same": ((2, 7, 5), pool(auto_pad="SAME_UPPER"), {}),
    "max-pool": ((2, 7, 6), pool("MaxPool", pads=[1, 0, 1, 0]), {}),
    "max-pool-ceil": ((2, 6, 5), pool("MaxPool", ceil_mode=1), {}),
    "global-average-pool": ((2, 3, 4), [("GlobalAveragePool", ["x"], "y")], {}),
    "reduce-mean-squeeze": (
        (2, 3, 4),
        [
            ("ReduceMean", ["x", "axes"], "m"),
            ("Squeeze", ["m", "last"], "s"),
            ("Squeeze", ["s", "last"], "f"),
            ("Mul", ["f", "two"], "y"),
        ],
        {"axes": ints(-1, -2), "last": ints(-1), "two": np.float32(2)},
    ),
    "relu6": ((4,), [("Clip", ["x", "low", "c"], "y")], {"low": np.float32(0), "c": np.float32(0.5)}),
    "twice": ((4,), [("Relu", ["x"], "r"), ("Identity", ["r"], "i"), ("Add", ["r", "i"], "y")], {}),
    "concat": (
        (3, 4),
        [("Relu", ["x"], "r"), ("Mul", ["x", "a"], "m"), ("Concat", ["r", "m"], "y", {"axis": 1})],
        {"a": np.float32(-2)},
    ),
    "flatten-by-shape": (
        (3, 4),
        [
            ("Shape", ["x"], "s"),
            ("Gather", ["s", "zero"], "n", {"axis": 0}),
            ("Unsqueeze", ["n", "axis"], "u"),
            ("Cast", ["u"], "k", {"to": 7}),
            ("Concat", ["k", "rest"], "t", {"axis": 0}),
            ("Relu", ["x"], "r"),
            ("Reshape", ["r", "t"], "y"),
        ],
        {"zero": np.int64(0), "axis": ints(0), "rest": ints(-1)},
    ),
    "flatten-by-slice": (
        (3, 4),
        [
            ("Shape", ["x"], "s", {"start": 0, "end": 1}),
            ("Slice", ["s", "zero", "one"], "n"),
            ("Squeeze", ["n"], "q"),
            ("Reshape", ["q", "one"], "v"),
            ("Concat", ["v", "rest"], "t", {"axis": 0}),
            ("Relu", ["x"], "r"),
            ("Reshape", ["r", "t"], "y"),
        ],
        {"zero": ints(0), "one": ints(1), "rest": ints(12)},
    ),
    "reshape-zero": ((3, 4), [("Relu", ["x"], "r"), ("Reshape", ["r", "t"], "y")], {"t": ints(0, -1)}),
    "reshape-minus-one": ((3, 4), [("Relu", ["x"], "r"), ("Reshape", ["r", "t"], "y")], {"t": ints(-1, 12)}),
    "bias-by-expand": (
        (3, 4, 4),
        [
            ("Shape", ["w"], "s", {"start": 0, "end": 1}),
            ("CastLike", ["half", "x"], "h"),
            ("Expand", ["h", "s"], "b"),
            ("Conv", ["x", "w", "b"], "y"),
        ],
        {"w": normal(6, 3, 3, 2), "half": np.float32(0.5)},
    ),
    "constant": (
        (4,),
        [("Constant", [], "c", {"value_floats": [1.0, 2.0, 3.0, 4.0]}), ("Mul", ["x", "c"], "y")],
        {},
    ),
    "cast": ((4,), [("Relu", ["x"], "r"), ("Cast", ["r"], "y", {"to": 1}), ("Dropout", ["r"], "d")], {}),
}


@pytest.mark.parametrize("case", CASES)
def test_reads(case: str, tmp_path: Path) -> None:
    shape, nodes, constants = CASES[case]
    file = File(shape, nodes, constants)
    x = images(*shape, samples=3) - np.float32(0.3)
    model = file.open(tmp_path)
    check_against_reference(model.ann, model.file, x)
    for ann in (model.ann, fold(model.ann)):
        ours = activations(ann.graph, x, frozenset({ann.output}))[ann.output]
        np.testing.assert_allclose(ours, file.reference(x).reshape(ours.shape), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("opset", "nodes"),
    [
        (17, [MEAN]),
        (10, [MEAN]),
        (12, [("ReduceMean", ["x"], "m", {"axes": [2, 3]}), ("Squeeze", ["m"], "y", {"axes": [2, 3]})]),
        (10, [("Clip", ["x"], "y", {"min": 0.0, "max": 0.5})]),
        (11, [("Relu", ["x"], "r"), ("Softmax", ["r"], "s", {"axis": 1}), ("Identity", ["r"], "y")]),
        (7, [("Relu", ["x"], "r"), ("Dropout", ["r"], "y", {"ratio": 0.5})]),
    ],
)
def test_older_opsets(opset: int, nodes: list[NodeSpec], tmp_path: Path) -> None:
    file = File((2, 3, 4), nodes, {}, opset)
    x = images(2, 3, 4, samples=3)
    model = file.open(tmp_path)
    check_against_reference(model.ann, model.file, x)
    ours = activations(model.ann.graph, x, frozenset({model.ann.output}))[model.ann.output]
    np.testing.assert_allclose(ours, file.reference(x).reshape(ours.shape), rtol=1e-6)


def test_whole_network_and_its_folding(tmp_path: Path) -> None:
    file, x = residual(), images(1, 4, 4)
    model = file.open(tmp_path)
    check_against_reference(model.ann, model.file, x)
    folded = fold(model.ann)
    assert folded.graph.names == ("x", "c1", "r1", "c2", "sum", "r2", "pool", "flat", "y")
    assert [str(note) for note in folded.notes] == ["n1: folded into 'c1'", "n2: folded into 'c2'"]
    ours = activations(folded.graph, x, frozenset({"y"}))["y"]
    np.testing.assert_allclose(ours, file.reference(x), rtol=1e-4, atol=1e-5)


def test_fixed_batch(tmp_path: Path) -> None:
    nodes: list[NodeSpec] = [("Relu", ["x"], "r"), ("Reshape", ["r", "t"], "y")]
    model = File((3, 4), nodes, {"t": ints(5, 12)}, batch=5).open(tmp_path)
    assert model.ann.batch == 5
    check_against_reference(model.ann, model.file, images(3, 4, samples=2))


@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax", "ArgMax"])
def test_end_is_left_out(op: str, tmp_path: Path) -> None:
    nodes: list[NodeSpec] = [
        ("Gemm", ["x", "w"], "g"),
        (op, ["g"], "s", {"axis": -1}),
        ("Identity", ["s"], "y"),
    ]
    ann = File((4,), nodes, {"w": normal(4, 3)}).open(tmp_path).ann
    assert ann.output == "g"
    assert str(ann.notes[0]) == "s: left out: the class with the largest output stays the same"


def test_a_wrong_reading_is_found(tmp_path: Path) -> None:
    """The check must see a difference: here the file changes after it was read."""
    file = residual()
    model = file.open(tmp_path)
    (weight,) = (t for t in model.file.proto.graph.initializer if t.name == "w2")
    weight.raw_data = bytes(len(weight.raw_data))
    with pytest.raises(
        InputError, match=r"layer 'c2': does not compute what ONNX's reference gives for 'c2': \d+ of"
    ):
        check_against_reference(model.ann, model.file, images(1, 4, 4))
