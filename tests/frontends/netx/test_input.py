"""The input of a file: what it says, what must be said, and neurons that encode numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from neurodeploy.errors import InputError, UnsupportedError, UsageError
from neurodeploy.frontends.netx import NetxConfig, open_net
from neurodeploy.ir import Flatten, IntConv, IntDense, IntInput, IntLIF
from tests.frontends.netx.files import BINARY, conv, cuba, dense, graph_of, notes_of, run, write_net

LAYER = dense([[20, -4], [6, 8]])


def test_kind_of_input_is_asked_for(tmp_path: Path) -> None:
    message = "whether its inputs are spikes or numbers. Say it: --set netx.input=binary or .*--from lava-dl"
    with pytest.raises(UnsupportedError, match=message):
        graph_of(tmp_path, LAYER, config=NetxConfig())
    assert graph_of(tmp_path, LAYER, config=BINARY).op("input") == IntInput((2,), 1.0, 0, 1)
    assert graph_of(tmp_path, LAYER, preset="lava-dl", config=NetxConfig()) == graph_of(tmp_path, LAYER)
    graded = graph_of(tmp_path, LAYER, config=NetxConfig(input="graded:-3..15"))
    assert graded.op("input") == IntInput((2,), 1.0, -3, 15)
    assert "takes graded:-3..15 input of shape [2], as netx.input says" in notes_of(
        tmp_path, LAYER, config=NetxConfig(input="graded:-3..15")
    )
    assert "as --from lava-dl says" in notes_of(tmp_path, LAYER, preset="lava-dl", config=NetxConfig())


@pytest.mark.parametrize(
    "text", ["spikes", "graded", "graded:3", "graded:1..2", "graded:0..0", "graded:0..nan"]
)
def test_input_that_makes_no_sense(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"netx.input must be binary or graded:LOW..HIGH"):
        graph_of(tmp_path, LAYER, config=NetxConfig(input=text))


def test_presets(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--from snntorch: a .net file is read with --from lava-dl"):
        open_net(write_net(tmp_path / "net.net", LAYER), "snntorch")
    with pytest.raises(msgspec.ValidationError, match="ref_delay"):
        msgspec.convert({"ref_delay": "maybe"}, NetxConfig)


def test_encoder_of_channels(tmp_path: Path) -> None:
    """Neurons whose bias is weight * x + bias, as lava-dl's Input block; x is an image in -1..1."""
    encoder = {"type": "input", "shape": [2, 2, 3], "weight": np.float32([36]), "bias": np.float32([34])}
    layers = {**encoder, "neuron": cuba(iDecay=4096, vThMant=50)}, conv(np.full((1, 2, 1, 1), 4), (1, 2, 3))
    graph = graph_of(tmp_path, *layers, config=NetxConfig(input="graded:-1..1"))
    assert graph.op("input") == IntInput((2, 2, 3), 36.0, -36, 36)
    assert graph.op("encode0") == IntConv(np.ones((2, 1, 1, 1)), 0, (1, 1), (0,) * 4, (1, 1), 2)
    assert graph.op("lif0") == IntLIF((2, 2, 3), 4096, 500, 34 * 64, 3200, "zero", "gt")
    x = np.tile(np.arange(-6, 6) * 6, (5, 1))
    found = run(graph, x, "lif0")
    v = np.zeros(12, int)
    for t in range(5):
        v = np.trunc(v * 3596 / 4096).astype(int) + (x[t] + 34) * 64
        np.testing.assert_array_equal(found[t], v > 3200)
        v = np.where(v > 3200, 0, v)
    assert 0 < found.sum() < found.size
    notes = notes_of(tmp_path, *layers, config=NetxConfig(input="graded:-1..1"))
    assert "numbers graded:-1..1 enter as round(x * 36) + 34 (half to even)" in notes


def test_encoder_of_a_vector(tmp_path: Path) -> None:
    encoder = {"type": "input", "shape": [2], "weight": np.float32(-8), "neuron": cuba(iDecay=4096)}
    graph = graph_of(tmp_path, encoder, LAYER, config=NetxConfig(input="graded:0..2"))
    assert graph.op("input") == IntInput((2,), 8.0, 0, 16)
    assert graph.op("encode0") == IntDense(-np.eye(2), 0)


def test_range_of_an_encoder_is_asked_for(tmp_path: Path) -> None:
    encoder = {"type": "input", "shape": [2], "neuron": cuba(iDecay=4096)}
    with pytest.raises(
        UnsupportedError, match=r"take numbers, times 64 and plus 0.*netx.input=graded:LOW..HIGH"
    ):
        graph_of(tmp_path, encoder, LAYER, preset="lava-dl", config=NetxConfig())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"neuron": cuba(iDecay=1024)}, "iDecay is 1024; training filters the input by it"),
        ({"weight": np.float32([0])}, "weight is 0, so nothing comes in"),
        ({"weight": np.float32([1, 2])}, "weight must be one integer, not 2"),
        ({"weight": np.float32(0.5)}, "weight holds 1 of 1 values that are no 32-bit integers, first 0.5;"),
        ({"neuron": None, "weight": np.float32([3])}, "has a weight or bias, but no neurons to feed"),
        (
            {"shape": [9000], "weight": np.float32([3])},
            "an input layer of 9000 neurons in one axis; 8192 are supported",
        ),
        ({"neuron": cuba(iDecay=4096, wgtExp=1)}, "wgtExp is 1"),
    ],
)
def test_encoders_that_are_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    encoder = {"type": "input", "shape": [2], "neuron": cuba(iDecay=4096), **change}
    layer = {name: value for name, value in encoder.items() if value is not None}
    with pytest.raises(InputError, match=message):
        graph_of(tmp_path, layer, LAYER, config=NetxConfig(input="graded:0..1"))


def test_shape_of_a_vector_may_be_said(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, LAYER, config=NetxConfig(input="binary", shape=(1, 2, 1)))
    assert graph.op("input") == IntInput((1, 2, 1), 1.0, 0, 1)
    assert graph.op("flatten") == Flatten()
    with pytest.raises(UsageError, match=r"netx.shape=\[3\] has 3 numbers, but layer 0 \(dense\) takes 2"):
        graph_of(tmp_path, LAYER, config=NetxConfig(input="binary", shape=(3,)))
    with pytest.raises(UsageError, match=r"netx.shape must be 1 to 3 positive extents"):
        graph_of(tmp_path, LAYER, config=NetxConfig(input="binary", shape=(0, 2)))
    with pytest.raises(UsageError, match=r"netx.shape=\[2\], but layer 0 \(input\) says \[2, 1, 1\]"):
        graph_of(
            tmp_path,
            {"type": "input", "shape": [2, 1, 1]},
            LAYER,
            config=NetxConfig(input="binary", shape=(2,)),
        )


def test_shape_of_a_convolution_without_input_layer(tmp_path: Path) -> None:
    """A stride of 1 leaves one shape; larger ones leave several, so that it must be said."""
    layer = conv(np.full((3, 2, 3, 2), 4), (3, 4, 5), padding=[1, 0])
    assert graph_of(tmp_path, layer).types["input"].shape == (2, 4, 6)
    strided = conv(np.full((3, 2, 3, 2), 4), (3, 4, 5), stride=[2, 1])
    with pytest.raises(UnsupportedError, match=r"several input shapes give \(3, 4, 5\).*--set netx.shape="):
        graph_of(tmp_path, strided)
    config = NetxConfig(input="binary", shape=(2, 10, 6))
    assert graph_of(tmp_path, strided, config=config).types["input"].shape == (2, 10, 6)


def test_shape_of_a_flatten_without_input_layer(tmp_path: Path) -> None:
    layers = {"type": "flatten", "shape": [2, 1, 1]}, LAYER
    with pytest.raises(
        UnsupportedError, match=r"layer 0 \(flatten\): the shape of the input is not in the file"
    ):
        graph_of(tmp_path, *layers)
    assert graph_of(tmp_path, *layers, config=NetxConfig(input="binary", shape=(2, 1, 1))).of(Flatten)


def test_steps(tmp_path: Path) -> None:
    path = tmp_path / "net.net"
    assert open_net(write_net(path, LAYER, simulation={"Ts": 2, "tSample": 64})).steps == 32
    assert open_net(write_net(path, LAYER)).steps is None
    with pytest.raises(InputError, match="a sample of tSample 0 in steps of Ts 1 has no steps"):
        open_net(write_net(path, LAYER, simulation={"tSample": 0}))
    with pytest.raises(InputError, match="simulation: unknown field 'dt'"):
        open_net(write_net(path, LAYER, simulation={"tSample": 4, "dt": 1}))


def test_biases_of_later_layers_are_noted(tmp_path: Path) -> None:
    biased = dense([[2, 4]], bias=np.float32([3]))
    assert "lif1: its biases act from the first step on" in notes_of(tmp_path, LAYER, biased)
    assert "biases" not in notes_of(tmp_path, dense([[2, 4]], bias=np.float32([3])))
