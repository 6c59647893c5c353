"""Damaged, edited, foreign and hostile files: always an `ArtifactError`, never a traceback, never a network."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from neurodeploy.artifact import from_bytes, to_bytes
from neurodeploy.artifact.file import NO_DIGEST, PREFIX
from neurodeploy.errors import ArtifactError
from neurodeploy.ir import Delay, Flatten, Graph, IntConv, IntDense, IntInput, IntLIF, Output
from neurodeploy.network import Network
from tests.nets import compiled

CONTENT = to_bytes(compiled())
Change = Callable[[onnx.ModelProto], None]


def general() -> Network:
    """A network with a convolution, delays, a cycle, and neurons with everything, each with its own numbers."""
    rng = np.random.default_rng(0)
    fields: dict[str, Any] = {"v_min_q": [-9, -8], "initial_q": [1, 2], "reset_by_q": [3, 4], "max_spikes": 3}
    each = {name: np.reshape(value, (2, 1)) if np.ndim(value) else value for name, value in fields.items()}
    ops = {
        "in": IntInput((2, 5), 1.0, 0, 9),
        "conv": IntConv(rng.integers(-9, 9, (2, 1, 3)), -1, (2,), (1, 0), (1,), 2),
        "one": IntLIF((2, 2), [[5], [6]], [[7], [8]], 3, [[70], [80]], "subtract", refractory=2, **each),
        "late": Delay((2, 2), 3),
        "back": IntConv(rng.integers(-9, 9, (2, 2, 1)), 0, (1,), (0, 0), (1,)),
        "flat": Flatten(),
        "fc": IntDense(rng.integers(-9, 9, (3, 4)), 1),
        "two": IntLIF((3,), 4096, 4096, [1, 2, 3], 0, "none"),
        "out": Output(),
    }
    forward = pairwise(("in", "conv", "one", "flat", "fc", "two", "out"))
    feedback = [("one", "late"), ("late", "back"), ("back", "one")]
    return Network(Graph(ops, [*forward, *feedback]), 3, "loihi2")


GENERAL = to_bytes(general())


def rewritten(change: Change, content: bytes = CONTENT) -> bytes:
    """The artefact after a change, with the digest made right again."""
    model = onnx.load_from_string(content)
    change(model)
    digest = next(p for p in model.metadata_props if p.key == PREFIX + "sha256")
    digest.value = NO_DIGEST
    digest.value = hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest()
    return bytes(model.SerializeToString(deterministic=True))


def metadata(key: str, text: str | Callable[[str], str]) -> Change:
    def change(model: onnx.ModelProto) -> None:
        entry = next(p for p in model.metadata_props if p.key == PREFIX + key)
        entry.value = text(entry.value) if callable(text) else text

    return change


def layer(name: str, field: str, value: Any) -> Change:
    def edit(text: str) -> str:
        data = json.loads(text)
        next(entry for entry in data["layers"] if entry["name"] == name)[field] = value
        return json.dumps(data)

    return metadata("ir", edit)


def register(bits: Any, overflow: str = "wrap") -> Change:
    kept = {"bits": 24, "overflow": "saturate"}
    return metadata("registers", json.dumps({"u": {"bits": bits, "overflow": overflow}, "v": kept}))


def tensor(**values: Any) -> Change:
    def change(model: onnx.ModelProto) -> None:
        found = model.graph.initializer[0]
        for field, value in values.items():
            if field == "dims":
                found.ClearField("dims")
                found.dims.extend(value)
            else:
                setattr(found, field, value)

    return change


def external(model: onnx.ModelProto) -> None:
    found = model.graph.initializer[0]
    found.data_location = TensorProto.EXTERNAL
    found.external_data.add(key="location", value="/etc/passwd")
    found.ClearField("raw_data")


def another_node(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Identity", ["x"], ["more"]))


def another_attribute(model: onnx.ModelProto) -> None:
    function = next(f for f in model.functions if "LIF" in f.name)
    next(n for n in function.node if n.op_type == "GreaterOrEqual").op_type = "Greater"


def one_weight(model: onnx.ModelProto) -> None:
    raw = bytearray(model.graph.initializer[0].raw_data)
    raw[0] ^= 1
    model.graph.initializer[0].raw_data = bytes(raw)


def twice(model: onnx.ModelProto) -> None:
    model.metadata_props.add(key=PREFIX + "steps", value="9")


def test_rewriting_alone_changes_nothing() -> None:
    assert from_bytes(rewritten(lambda model: None)) == from_bytes(CONTENT)
    assert from_bytes(rewritten(lambda model: None, GENERAL)) == general()


def test_one_weight_is_another_network() -> None:
    assert from_bytes(rewritten(one_weight)) != from_bytes(CONTENT)


@pytest.mark.parametrize("part", range(8))
def test_truncated(part: int) -> None:
    for length in range(part, len(CONTENT), 97):
        with pytest.raises(ArtifactError):
            from_bytes(CONTENT[:length])


@pytest.mark.parametrize("part", range(10))
def test_one_byte_flipped(part: int) -> None:
    draw = random.Random(part)
    for _ in range(25):
        damaged = bytearray(CONTENT)
        damaged[draw.randrange(len(CONTENT))] ^= draw.randrange(1, 256)
        with pytest.raises(ArtifactError):
            from_bytes(bytes(damaged))


def test_every_byte_of_the_metadata_flipped() -> None:
    start = CONTENT.index(PREFIX.encode() + b"notes")
    for position in range(start, len(CONTENT), 5):
        damaged = bytearray(CONTENT)
        damaged[position] ^= 0x80
        with pytest.raises(ArtifactError):
            from_bytes(bytes(damaged))


@pytest.mark.parametrize(
    "change",
    [
        another_node,
        another_attribute,
        external,
        twice,
        layer("lif1", "threshold_q", 5),
        layer("lif1", "dv", 100),
        layer("lif1", "compare", "gt"),
        layer("fc1", "exponent", -1),
        layer("in", "shape", [3, 2]),
    ],
)
def test_graph_and_metadata_must_agree(change: Change) -> None:
    with pytest.raises(ArtifactError):
        from_bytes(rewritten(change))


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "-3",
        "3.9",
        "true",
        '"7"',
        "NaN",
        "Infinity",
        "1e400",
        "null",
        "[]",
        "1" + "0" * 40,
        "1" * 5000,
        "",
        "{",
    ],
)
def test_steps(text: str) -> None:
    with pytest.raises(ArtifactError):
        from_bytes(rewritten(metadata("steps", text)))


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("lif1", "threshold_q", float("inf")),
        ("lif1", "threshold_q", 10**30),
        ("lif1", "threshold_q", 3.5),
        ("lif1", "du", 4096.0),
        ("lif1", "du", float("nan")),
        ("lif1", "clear_current", 5),
        ("lif1", "clear_current", [1]),
        ("lif1", "reset", ["zero"]),
        ("lif1", "reset", {"array": "fc1.weight_q"}),
        ("lif1", "compare", None),
        ("lif1", "shape", [5.0]),
        ("lif1", "bias_q", [0] * 5),
        ("lif1", "bias_q", "abc"),
        ("fc1", "exponent", 1.5),
        ("fc1", "exponent", -1.0),
        ("fc1", "weight_q", [[1] * 6] * 5),
        ("fc1", "inputs", [["in"]]),
        ("fc1", "inputs", ["in", "in"]),
        ("fc1", "name", 5),
        ("fc1", "op", "exec"),
        ("fc1", "op", ["a"]),
        ("in", "shape", [6.0]),
        ("in", "shape", ["6"]),
        ("in", "shape", [-6]),
        ("in", "low", -0.5),
        ("in", "high", float("inf")),
        ("in", "high", 10**40),
        ("in", "high", True),
        ("in", "levels", 10**400),
        ("in", "levels", float("nan")),
    ],
)
def test_layers(name: str, field: str, value: Any) -> None:
    with pytest.raises(ArtifactError):
        from_bytes(rewritten(layer(name, field, value)))


HUGE = 10**30


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        *[
            ("conv", "stride", value)
            for value in ([], [0], [-1], [1, 1], [1.0], ["1"], [HUGE], 2, None, [[1]])
        ],
        *[
            ("conv", "padding", value)
            for value in ([1], [-1, 0], [0, 0, 0], [HUGE, 0], [1 << 61, 0], [0.5, 0])
        ],
        *[("conv", "dilation", value) for value in ([0], [9], [1, 1], [1 << 61], {})],
        *[("conv", "groups", value) for value in (0, -1, 3, 1, HUGE, 2.0, True, None, [2])],
        *[("conv", "weight_q", {"array": value}) for value in ("gone", "one.du", "fc.weight_q", 5, None, [])],
        *[("conv", "weight_q", value) for value in ([[[1]]], "conv.weight_q", 0, {}, {"arrays": "x"})],
        *[("conv", "exponent", value) for value in (32, -32, 0, 1.0, HUGE)],
        *[("conv", "inputs", value) for value in ([], ["in", "late"], ["late", "in"], ["one"], ["gone"])],
        ("conv", "op", "int_dense"),
        ("conv", "op", "conv"),
        *[("late", "steps", value) for value in (0, -1, 1, 2.0, 3.5, 1 << 20, HUGE, "3", None)],
        *[("late", "shape", value) for value in ([2], [2, 3], [2, 0], [-2, -2], [HUGE, 2], [])],
        *[("late", "signal", value) for value in ("value", "current", "potential", "", 3, None)],
        *[("late", "inputs", value) for value in ([], ["late"], ["one", "late"], ["flat"], ["gone"])],
        *[("back", "inputs", value) for value in (["one"], ["back"], [])],
        *[("one", "max_spikes", value) for value in (0, -1, 1, 2.0, (1 << 20) + 1, HUGE, "3", None)],
        *[("one", "refractory", value) for value in (-1, 0, 1.0, 1 << 62, HUGE, None)],
        *[("one", "reset", value) for value in ("zero", "none", "both")],
        *[("one", "reset_by_q", value) for value in (0, -3, 1 << 31, HUGE, 1.5, None, {"array": "one.du"})],
        *[
            ("one", "v_min_q", value)
            for value in (1 << 31, -HUGE, float("inf"), None, {"array": "two.bias_q"})
        ],
        *[
            ("one", "initial_q", value)
            for value in (1 << 31, -(1 << 31), HUGE, "0", {"array": "fc.weight_q"})
        ],
        *[("one", "bias_q", value) for value in (1 << 50, -HUGE, float("nan"), 4.0, [3], None)],
        *[("one", "du", value) for value in (-1, 4097, 5, {"array": "one.dv"}, {"array": "conv.weight_q"})],
        *[
            ("one", "threshold_q", value)
            for value in (0, 70, {"array": "one.v_min_q"}, {"array": ["one.du"]})
        ],
        *[("one", "shape", value) for value in ([4], [2, 3], [2, HUGE], [2, 2, 1])],
        ("in", "high", 1 << 31),
        ("in", "low", -(1 << 31) - 1),
        ("in", "shape", [2, 1 << 60]),
        ("flat", "inputs", ["two"]),
        ("more", "name", "x"),
    ],
)
def test_layers_of_every_kind(name: str, field: str, value: Any) -> None:
    if name == "more":
        name, field, value = "late", "more", value
    with pytest.raises(ArtifactError):
        from_bytes(rewritten(layer(name, field, value), GENERAL))


def test_delays_in_a_circle() -> None:
    def circle(text: str) -> str:
        data = json.loads(text)
        late = next(entry for entry in data["layers"] if entry["name"] == "late")
        data["layers"].append({**late, "name": "later", "inputs": ["late"]})
        late["inputs"] = ["later"]
        return json.dumps(data)

    with pytest.raises(ArtifactError, match="delays in a circle"):
        from_bytes(rewritten(metadata("ir", circle), GENERAL))


def test_numbers_written_another_way() -> None:
    with pytest.raises(ArtifactError, match="its layers are not written as those of this network are"):
        from_bytes(rewritten(layer("lif1", "du", 4096.0)))


def test_sums_that_are_not_exact() -> None:
    def edit(text: str) -> str:
        data = json.loads(text)
        for entry in data["layers"]:
            if entry["name"] in ("in", "conv"):
                entry |= {"high": (1 << 31) - 1} if entry["name"] == "in" else {"exponent": 31}
        return json.dumps(data)

    with pytest.raises(
        ArtifactError, match="its network has no ONNX form: layer 'one': its synaptic input can"
    ):
        from_bytes(rewritten(metadata("ir", edit), GENERAL))


@pytest.mark.parametrize("part", range(4))
def test_one_byte_of_the_general_network_flipped(part: int) -> None:
    draw = random.Random(part)
    for _ in range(20):
        damaged = bytearray(GENERAL)
        damaged[draw.randrange(len(GENERAL))] ^= draw.randrange(1, 256)
        with pytest.raises(ArtifactError):
            from_bytes(bytes(damaged))


@pytest.mark.parametrize(
    "change",
    [
        register(100),
        register(-1),
        register(0),
        register(24.0),
        register("a"),
        register(10**12),
        register(24, "bounce"),
        metadata("registers", "{}"),
        metadata("registers", '{"u":{"bits":24,"overflow":"wrap"}}'),
        metadata("registers", '{"w":{"bits":24,"overflow":"wrap"}}'),
        metadata("registers", "null"),
        metadata("notes", '[{"layer":1,"what":[2]}]'),
        metadata("notes", '{"a":1}'),
        metadata("notes", "[1]"),
        metadata("provenance", "[1]"),
        metadata("provenance", '{"a":NaN}'),
        metadata("learning", "Infinity"),
        metadata("provenance", "[" * 100_000 + "]" * 100_000),
        metadata("ir", "null"),
        metadata("ir", '{"layers":[]}'),
        metadata("ir", "{}"),
    ],
)
def test_metadata(change: Change) -> None:
    with pytest.raises(ArtifactError):
        from_bytes(rewritten(change))


@pytest.mark.parametrize("version", ["1", "3", "", "one"])
def test_another_format(version: str) -> None:
    with pytest.raises(ArtifactError, match=f"its format is '{version}'; this version reads format 2"):
        from_bytes(rewritten(metadata("format", version)))


@pytest.mark.parametrize(
    "data_type", [0, 99, TensorProto.STRING, TensorProto.FLOAT, TensorProto.UINT8, 16, 17]
)
def test_tensor_of_another_type(data_type: int) -> None:
    with pytest.raises(ArtifactError):
        from_bytes(rewritten(tensor(data_type=data_type)))


@pytest.mark.parametrize(
    "dims", [[-5, 6], [5, -6], [-5, -6], [1 << 40, 1 << 40], [0], [], [30], [6, 5], [1 << 62, 4]]
)
def test_tensor_of_another_shape(dims: list[int]) -> None:
    with pytest.raises(ArtifactError):
        from_bytes(rewritten(tensor(dims=dims)))


def test_tensor_in_another_file() -> None:
    with pytest.raises(ArtifactError, match="lies in another file; an artefact is one file"):
        from_bytes(rewritten(external))


def test_foreign_model() -> None:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [value], [value])
    with pytest.raises(ArtifactError, match="an ONNX model, but not an artefact of neurodeploy"):
        from_bytes(helper.make_model(graph).SerializeToString())


def test_digest_of_another_length_or_given_twice() -> None:
    digest = next(
        p.value for p in onnx.load_from_string(CONTENT).metadata_props if p.key == PREFIX + "sha256"
    )
    with pytest.raises(ArtifactError, match="sha256"):
        from_bytes(CONTENT.replace(digest.encode(), NO_DIGEST.encode()))
    model = onnx.load_from_string(CONTENT)
    model.doc_string = digest
    with pytest.raises(ArtifactError, match="its sha256 is not one digest; the file was edited"):
        from_bytes(model.SerializeToString(deterministic=True))
