from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings

from neurodeploy.artifact import from_bytes, load, to_bytes
from neurodeploy.errors import ArtifactError
from neurodeploy.network import Network, Note, Stimulus
from tests.nets import chain, compiled, float_graph, networks, reference, reference_output, runs, stimulus

SPIKING = compiled(float_graph((6, 5, 4), readout=False, shape=(2, 3)))
READOUT = compiled()


@settings(max_examples=25)
@given(networks())
def test_round_trip(network: Network) -> None:
    content = to_bytes(network)
    again = from_bytes(content)
    assert again == network
    assert to_bytes(again) == content


@settings(max_examples=25)
@given(networks())
def test_every_network_is_valid_onnx(network: Network) -> None:
    model = onnx.load_from_string(to_bytes(network))
    onnx.checker.check_model(model, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    shape = network.graph.types[network.graph.output].shape
    for output in inferred.graph.output:
        dims = [d.dim_param or d.dim_value for d in output.type.tensor_type.shape.dim]
        assert dims == ["T", "N", *shape]


@settings(max_examples=15)
@given(runs())
def test_another_evaluator_agrees(drawn: tuple[Network, Stimulus]) -> None:
    network, given_ = drawn
    assert_evaluates(network, given_)


def test_everything_is_kept(tmp_path: Path) -> None:
    network = replace(
        READOUT, notes=(Note("a", "b"), Note("ü", "≤ 3")), learning={"seed": 1, "curve": [{"n": 0.5}]}
    )
    network.save(tmp_path / "n.onnx")
    again = load(tmp_path / "n.onnx")
    assert again == network
    assert again.provenance["versions"].keys() == {"neurodeploy", "numpy", "onnx"}


def test_same_bytes_in_every_process() -> None:
    code = (
        "import hashlib; from neurodeploy.artifact import to_bytes; from tests.nets import compiled;"
        "print(hashlib.sha256(to_bytes(compiled())).hexdigest())"
    )
    root = Path(__file__).parents[2]
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            cwd=root,
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1
    assert len(digests.pop()) == 65


@pytest.mark.parametrize("network", [SPIKING, READOUT, chain()])
def test_valid_onnx(network: Network) -> None:
    model = onnx.load_from_string(to_bytes(network))
    onnx.checker.check_model(model, full_check=True)
    assert (model.ir_version, model.opset_import[0].version) == (10, 21)
    assert {i.data_type for i in model.graph.initializer if i.name.endswith("weight_q")} == {
        onnx.TensorProto.INT8
    }
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    assert len(inferred.graph.output) == 1 + network.is_readout


@pytest.mark.parametrize("network", [SPIKING, READOUT])
@pytest.mark.parametrize(("steps", "samples"), [(1, 1), (3, 7), (9, 2)])
def test_runs_from_the_file_alone(tmp_path: Path, network: Network, steps: int, samples: int) -> None:
    import onnxruntime

    network.save(tmp_path / "n.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "n.onnx"), providers=["CPUExecutionProvider"])
    longer = replace(network, steps=steps)
    given_ = stimulus(longer, np.random.default_rng(3), samples, static=False)
    expected = reference(longer, given_)[network.graph.output]
    outputs = session.run(None, {"x": given_.x.astype(np.int32)})
    np.testing.assert_array_equal(outputs[0], expected.spikes)
    assert outputs[0].dtype == np.int32
    if network.is_readout:
        np.testing.assert_array_equal(outputs[1], expected.membrane)


@pytest.mark.parametrize("network", [SPIKING, READOUT, chain()])
def test_another_evaluator_agrees_on_what_was_compiled(network: Network) -> None:
    assert_evaluates(network, stimulus(network, np.random.default_rng(4), 2, static=False))


def assert_evaluates(network: Network, given_: Stimulus) -> None:
    """The evaluator of the ONNX project, in plain numpy, gives the reference's output."""
    from onnx.reference import ReferenceEvaluator

    x = np.stack([given_.frame(t) for t in range(given_.steps)]).astype(np.int32)
    outputs = ReferenceEvaluator(onnx.load_from_string(to_bytes(network))).run(None, {"x": x})
    expected = reference_output(network, reference(network, given_))
    np.testing.assert_array_equal(outputs[-1], expected)
    assert len(outputs) == 1 + network.is_readout
    assert outputs[0].shape == expected.shape
    assert not (network.is_readout and outputs[0].any())


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "there is no file .*; `neurodeploy compile MODEL -o .*` makes one"),
        ("folder", "cannot read .*: Is a directory"),
        ("empty", "has no neurodeploy metadata|0 bytes"),
        ("text", "not an ONNX model, or cut short"),
    ],
)
def test_what_is_not_a_file_of_ours(tmp_path: Path, kind: str, message: str) -> None:
    path = tmp_path / "n.onnx"
    if kind == "folder":
        path.mkdir()
    elif kind != "missing":
        path.write_bytes(b"" if kind == "empty" else b"hello, this is a text file\n")
    with pytest.raises(ArtifactError, match=message):
        load(path)
    with pytest.raises(ArtifactError, match=str(path)):
        load(str(path))
