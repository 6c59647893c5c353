"""What cannot be read is refused in one line that names the node."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from neurodeploy.artifact import save
from neurodeploy.errors import InputError, NeurodeployError, UnsupportedError, UsageError
from neurodeploy.frontends.onnx_ann import AnnConfig, file, open_ann
from tests.frontends.onnx_ann.files import Array, File, NodeSpec, ints, normal, open_proto, residual
from tests.nets import compiled

Case = tuple[tuple[int, ...], list[NodeSpec], dict[str, Array], str]
W = {"w": normal(4, 3, 3, 3)}
CASES: dict[str, Case] = {
    "operator": (
        (4,),
        [("Sigmoid", ["x"], "y")],
        {},
        r"node '/y' \(Sigmoid\): this operator is not supported; supp",
    ),
    "leaky": ((4,), [("LeakyRelu", ["x"], "y")], {}, r"\(LeakyRelu\): this operator is not supported"),
    "nan": (
        (3, 5, 5),
        [("Conv", ["x", "w"], "y")],
        {"w": W["w"] * np.float32("nan")},
        r"'/y' \(Conv\).*NaN or too",
    ),
    "complex": (
        (4,),
        [("Relu", ["x"], "y")],
        {"w": np.ones(3, np.complex64)},
        "tensor 'w': holds complex64; weights",
    ),
    "integer-weight": (
        (3, 5, 5),
        [("Conv", ["x", "w"], "y")],
        {"w": np.ones((4, 3, 3, 3), np.int8)},
        "floating point",
    ),
    "channels": ((2, 5, 5), [("Conv", ["x", "w"], "y")], W, r"'/y' \(Conv\).*takes 3 channels, not 2"),
    "kernel": (
        (3, 2, 2),
        [("Conv", ["x", "w"], "y")],
        W,
        r"'/y' \(Conv\).*window \(3, 3\) is larger than the input",
    ),
    "kernel-shape": (
        (3, 5, 5),
        [("Conv", ["x", "w"], "y", {"kernel_shape": [2, 2]})],
        W,
        "does not fit kernel",
    ),
    "strides": (
        (3, 5, 5),
        [("Conv", ["x", "w"], "y", {"strides": [0, 1]})],
        W,
        r"strides must be 2 positive integ",
    ),
    "conv-3d": (
        (1, 4, 4, 4),
        [("Conv", ["x", "w"], "y")],
        {"w": normal(2, 1, 2, 2, 2)},
        "must have 3 or 4 axes",
    ),
    "computed-weight": (
        (4,),
        [("MatMul", ["x", "x"], "y")],
        {},
        r"input 2 \('x'\) must be a constant, but depends on",
    ),
    "left-matrix": (
        (4,),
        [("MatMul", ["w", "x"], "y")],
        {"w": normal(4, 4)},
        "input 1 must depend on the network's",
    ),
    "trans-a": (
        (4,),
        [("Gemm", ["x", "w"], "y", {"transA": 1})],
        {"w": normal(4, 4)},
        "transA=1 would exchange",
    ),
    "tokens": (
        (3, 4),
        [("MatMul", ["x", "w"], "y")],
        {"w": normal(4, 4)},
        r"takes \(batch, features\), but gets",
    ),
    "bias": (
        (4,),
        [("Gemm", ["x", "w", "b"], "y")],
        {"w": normal(4, 3), "b": normal(5, 3)},
        r"its bias \(5, 3\) must",
    ),
    "broadcast": (
        (3, 4),
        [("Mul", ["x", "c"], "y")],
        {"c": normal(2, 3, 4)},
        r"constant \(2, 3, 4\) does not fit",
    ),
    "divisor": ((4,), [("Div", ["c", "x"], "y")], {"c": normal(4)}, "divides by what depends on the input"),
    "division-by-0": ((4,), [("Div", ["x", "c"], "y")], {"c": np.float32(0)}, "NaN or too large"),
    "reshape": (
        (3, 4),
        [("Reshape", ["x", "t"], "y")],
        {"t": ints(0, 4, 3)},
        r"only to \(batch, 12\): keep the batch",
    ),
    "batch-moves": (
        (3, 4),
        [("Reshape", ["x", "t"], "y")],
        {"t": ints(12, -1)},
        r"to \[12, -1\] is not supported",
    ),
    "flatten": ((3, 4), [("Flatten", ["x"], "y", {"axis": 2})], {}, "axis=2 is not supported; only 1"),
    "transpose": (
        (3, 4),
        [("Transpose", ["x"], "y")],
        {},
        r"\(Transpose\): is supported for constants alone",
    ),
    "squeeze-batch": (
        (3, 1),
        [("Squeeze", ["x", "a"], "y")],
        {"a": ints(0)},
        r"axes \[0\] of .* cannot be left out",
    ),
    "squeezed-conv": (
        (3, 5, 1),
        [("Squeeze", ["x", "a"], "s"), ("Relu", ["s"], "y")],
        {"a": ints(3)},
        "squeezed to more than one axis",
    ),
    "mean": (
        (3, 4, 4),
        [("ReduceMean", ["x", "a"], "y")],
        {"a": ints(1)},
        r"the mean over axes \[1\] of 4 is not sup",
    ),
    "dilated-pool": (
        (3, 9, 9),
        [("AveragePool", ["x"], "y", {"kernel_shape": [2, 2], "dilations": [2, 2]})],
        {},
        r"dilations \[2, 2\] of a pool",
    ),
    "padded-pool": (
        (3, 9, 9),
        [("AveragePool", ["x"], "y", {"kernel_shape": [2, 2], "pads": [2, 0, 0, 0]})],
        {},
        r"pads \[2, 0, 0, 0\] must be smaller than the kernel",
    ),
    "ceil-counted": (
        (3, 8, 8),
        [
            (
                "AveragePool",
                ["x"],
                "y",
                {
                    "kernel_shape": [3, 3],
                    "strides": [2, 2],
                    "pads": [1, 1, 1, 1],
                    "ceil_mode": 1,
                    "count_include_pad": 1,
                },
            )
        ],
        {},
        "ceil_mode with padding that is counted",
    ),
    "clip": ((4,), [("Clip", ["x", "c"], "y")], {"c": np.float32(-1)}, "clips below at -1.0; only 0"),
    "clip-at-0": (
        (4,),
        [("Clip", ["x", "c", "c"], "y")],
        {"c": np.float32(0)},
        "upper end must be positive, not 0",
    ),
    "training": (
        (3, 4, 4),
        [("BatchNormalization", ["x", "g", "g", "g", "g"], "y", {"training_mode": 1})],
        {"g": np.ones(3, np.float32)},
        "training mode; export the model in evaluation mode",
    ),
    "variance": (
        (3, 4, 4),
        [("BatchNormalization", ["x", "g", "g", "g", "v"], "y")],
        {"g": np.ones(3, np.float32), "v": -np.ones(3, np.float32)},
        "variance . epsilon must be positive, not -0.99999",
    ),
    "behind-the-end": (
        (4,),
        [("Softmax", ["x"], "s"), ("Relu", ["s"], "y")],
        {},
        r"'/y' \(Relu\): stands behind node '/s' \(Softmax\), which is only supported at the very end",
    ),
    "softmax-axis": ((3, 4), [("Softmax", ["x"], "y")], {}, "are not the classes; only axis 1"),
    "to-integers": (
        (4,),
        [("Cast", ["x"], "c", {"to": 7}), ("Cast", ["c"], "y", {"to": 1})],
        {},
        "would round what",
    ),
    "concat-axis": (
        (3, 4),
        [("Relu", ["x"], "r"), ("Concat", ["x", "r"], "y", {"axis": 2})],
        {},
        "axis=2 is not supported; only 1",
    ),
    "add-shapes": (
        (3, 4, 4),
        [("GlobalAveragePool", ["x"], "g"), ("Add", ["x", "g"], "y")],
        {},
        r"'/y' \(Add\).*cannot add value\[3, 4, 4\], value\[3, 1, 1\]",
    ),
    "no-output": (
        (4,),
        [("Constant", [], "y", {"value_float": 1.0})],
        {},
        "output 'y' does not depend on its input 'x'",
    ),
    "only-input": ((4,), [("Identity", ["x"], "y")], {}, "output 'y' does not depend on"),
    "bomb": (
        (4,),
        [("Expand", ["c", "t"], "b"), ("Add", ["x", "b"], "y")],
        {"c": normal(1), "t": ints(1 << 40)},
        "most",
    ),
    "large-layer": (
        (1, 4, 4),
        [("Conv", ["x", "w"], "y", {"pads": [30000] * 4})],
        {"w": normal(1, 1, 1, 1)},
        "gives 3600480016 numbers a sample; 67108864 is the most",
    ),
    "batch-arithmetic": (
        (3, 4),
        [("Shape", ["x"], "s"), ("Mul", ["s", "t"], "m"), ("Reshape", ["x", "m"], "y")],
        {"t": ints(2)},
        "computes with the batch size",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_operator(case: str, tmp_path: Path) -> None:
    shape, nodes, constants, message = CASES[case]
    with pytest.raises(InputError, match=message) as caught:
        File(shape, nodes, constants).open(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'm.onnx'}: ")
    assert "\n" not in str(caught.value)


def test_not_a_model(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    for content in (b"", b"no protobuf at all", residual().proto.SerializeToString()[:-40]):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"m\.onnx: not an ONNX model, or"):
            open_ann(path, None, AnnConfig())
    with pytest.raises(InputError, match="cannot read"):
        open_ann(tmp_path / "gone.onnx", None, AnnConfig())


def test_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "LARGEST_FILE", 100)
    with pytest.raises(InputError, match=r"has \d+ bytes; the largest model is 100"):
        residual().open(tmp_path)


def changed(tmp_path: Path, change: object) -> onnx.ModelProto:
    proto = residual().proto
    change(proto)  # type: ignore[operator]
    return proto


def second_input(proto: onnx.ModelProto) -> None:
    proto.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, [1]))


def second_output(proto: onnx.ModelProto) -> None:
    proto.graph.output.append(helper.make_tensor_value_info("r1", TensorProto.FLOAT, [1]))


def foreign(proto: onnx.ModelProto) -> None:
    proto.graph.node[2].domain = "com.acme"


def newest(proto: onnx.ModelProto) -> None:
    proto.opset_import[0].version = 999


def open_extent(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "height"


def whole_numbers(proto: onnx.ModelProto) -> None:
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8


def unsorted(proto: onnx.ModelProto) -> None:
    proto.graph.node[3].input[0] = "pool"


def attribute(proto: onnx.ModelProto) -> None:
    proto.graph.node[0].attribute[0].name = "stride"


def short(proto: onnx.ModelProto) -> None:
    proto.graph.initializer[0].raw_data = b"1234"


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (second_input, UnsupportedError, r"must have one input, but has 2 \('x', 'z'\)"),
        (second_output, UnsupportedError, r"must have one output, but has 2 \('y', 'r1'\)"),
        (foreign, UnsupportedError, "node '/r1' is com.acme::Relu, which is not standard ONNX"),
        (newest, UnsupportedError, "its opset is 999; opsets 7 to"),
        (
            open_extent,
            UnsupportedError,
            r"input 'x' has the shape \(n, 1, height, 4\); all extents but the first",
        ),
        (whole_numbers, UnsupportedError, "input 'x' must be floating point, not uint8"),
        (
            unsorted,
            InputError,
            "not valid ONNX: ValidationError: Nodes in a graph must be topologically sorted",
        ),
        (attribute, InputError, "not valid ONNX: .*Unrecognized attribute: stride for operator Conv"),
        (short, InputError, "not valid ONNX|tensor 'w1': its numbers are damaged"),
    ],
)
def test_file(change: object, error: type[NeurodeployError], message: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=message) as caught:
        open_proto(changed(tmp_path, change), tmp_path)
    assert "\n" not in str(caught.value)


def test_own_artefact(tmp_path: Path) -> None:
    save(compiled(), tmp_path / "net.onnx")
    with pytest.raises(
        InputError, match="a compiled network, not a model to compile; `neurodeploy run` takes it"
    ):
        open_ann(tmp_path / "net.onnx", None, AnnConfig())


def test_preset(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--from snntorch says nothing about m\.onnx"):
        open_ann(Path("m.onnx"), "snntorch", AnnConfig())


@pytest.mark.parametrize("seed", range(8))
def test_damaged_bytes_never_end_in_a_traceback(seed: int, tmp_path: Path) -> None:
    draw, content = np.random.default_rng(seed), residual().proto.SerializeToString()
    opened = refused = 0
    for _ in range(25):
        damaged = bytearray(content)
        for at in draw.integers(len(content), size=3):
            damaged[at] ^= 1 << int(draw.integers(8))
        (tmp_path / "m.onnx").write_bytes(damaged)
        try:
            open_ann(tmp_path / "m.onnx", None, AnnConfig())
            opened += 1
        except InputError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > opened
