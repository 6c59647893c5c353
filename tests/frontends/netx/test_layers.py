"""Every type of layer, against slayer's equations; and what a layer may not be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.frontends.netx import NetxConfig
from neurodeploy.ir import Delay, IntConv, IntDense
from tests.frontends.netx import equations
from tests.frontends.netx.files import BINARY, conv, cuba, dense, graph_of, notes_of, run, spikes

CHANNELS = {"type": "input", "shape": [2, 5, 4]}


def even(*shape: int) -> npt.NDArray[np.int64]:
    """Random even weights, the same for the same shape."""
    return 2 * np.random.default_rng(shape).integers(-20, 22, shape)


def test_dense(tmp_path: Path) -> None:
    first, second = even(5, 7), even(3, 5)
    x = spikes(1, 12, 7)
    hidden = equations.layer(x, first, bias=[1, -2, 3, 0, 4])
    expected = equations.layer(hidden, second)
    graph = graph_of(tmp_path, dense(first, bias=np.float32([1, -2, 3, 0, 4])), dense(second))
    np.testing.assert_array_equal(run(graph, x, "lif0"), hidden)
    np.testing.assert_array_equal(run(graph, x), expected)
    assert 0 < expected.sum() < expected.size


@pytest.mark.parametrize(("kind", "field"), [("dense_rec", "weight_rec"), ("recurrent", "recWeight")])
def test_recurrence_acts_one_step_later(tmp_path: Path, kind: str, field: str) -> None:
    weight, back, last = even(5, 7), even(5, 5), even(3, 5)
    x = spikes(2, 15, 7)
    expected = equations.layer(equations.layer(x, weight, recurrent=back), last)
    layer = dense(weight, type=kind, **{field: back.astype(np.float32)})
    graph = graph_of(tmp_path, layer, dense(last))
    np.testing.assert_array_equal(run(graph, x), expected)
    assert graph.op("feedback0") == Delay((5,), 1)
    assert 0 < expected.sum() < expected.size
    without = graph_of(tmp_path, dense(weight), dense(last))
    assert not np.array_equal(run(without, x), expected)


@pytest.mark.parametrize("last_axis", [False, True])
def test_convolution_and_flatten(tmp_path: Path, last_axis: bool) -> None:
    weight = even(4, 1, 3, 2)
    x = spikes(3, 10, 2, 5, 4)
    sums = equations.convolution(x, weight, (2, 1), (1, 0), 2)
    bias = np.float32([3, -3, 0, 5])
    hidden = equations.layer(
        sums.reshape(10, -1), np.eye(sums[0].size), bias=np.repeat(bias.astype(int), sums[0, 0].size)
    )
    kernels = weight[..., np.newaxis] if last_axis else weight
    layer = conv(kernels, sums.shape[1:], stride=[2, 1], padding=[1, 0], groups=2, bias=bias)
    flat = {"type": "flatten", "shape": [sums[0].size, 1, 1]}
    graph = graph_of(tmp_path, CHANNELS, layer, flat, dense(even(3, sums[0].size)))
    np.testing.assert_array_equal(run(graph, x, "lif1"), hidden)
    assert graph.types["flatten2"].shape == (sums[0].size,)
    assert 0 < hidden.sum() < hidden.size


def test_kernel_size_of_the_file_does_not_count(tmp_path: Path) -> None:
    layer = conv(even(3, 2, 2, 3), (3, 4, 2), kernelSize=[1, 1])
    assert isinstance(graph_of(tmp_path, CHANNELS, layer).op("conv1"), IntConv)
    assert "layer 1 (conv): kernelSize says (1, 1), but the weights are (2, 3)" in notes_of(
        tmp_path, CHANNELS, layer
    )


def test_one_output_may_be_a_vector(tmp_path: Path) -> None:
    weight = even(1, 6)
    layer = dense(weight, weight=weight[0].astype(np.float32), shape=[1, 1, 1])
    assert graph_of(tmp_path, layer) == graph_of(tmp_path, dense(weight))


@pytest.mark.parametrize(("height", "width", "kernel"), [(4, 4, (2, 2)), (5, 4, (2, 3)), (4, 5, (4, 3))])
def test_pool(tmp_path: Path, height: int, width: int, kernel: tuple[int, int]) -> None:
    """A sum pool in the way of slayer, which puts `extent % kernel` zeros behind each axis."""
    x = spikes(4, 8, 2, height, width)
    behind = height % kernel[0], width % kernel[1]
    padded = np.pad(x, [(0, 0), (0, 0), (0, behind[0]), (0, behind[1])])
    kernels = np.full((2, 1, *kernel), 10)
    sums = equations.convolution(padded, kernels, kernel, (0, 0), 2)
    pool = {
        "type": "pool",
        "shape": list(sums.shape[1:]),
        "kernelSize": list(kernel),
        "stride": list(kernel),
        "padding": [0, 0],
        "dilation": [1, 1],
        "weight": np.full((1, 1, *kernel), 10, np.float32),
        "neuron": cuba(),
    }
    graph = graph_of(tmp_path, {"type": "input", "shape": [2, height, width]}, pool)
    expected = equations.layer(sums.reshape(8, -1), np.eye(sums[0].size))
    np.testing.assert_array_equal(run(graph, x), expected)
    assert 0 < expected.sum() < expected.size


def test_pool_that_mixes_channels_is_refused(tmp_path: Path) -> None:
    pool = {"type": "pool", "shape": [2, 2, 1], "stride": [3, 3], "neuron": cuba()}
    kernel = np.full((1, 1, 3, 3), 16, np.float32)
    with pytest.raises(
        UnsupportedError, match=r"layer 1 \(pool\): windows of \(3, 3\) over \(5, 4\).*fill the height"
    ):
        graph_of(tmp_path, CHANNELS, {**pool, "weight": kernel})


@pytest.mark.parametrize(("how", "gathered"), [("sum", True), ("step", False)])
def test_average(tmp_path: Path, how: Any, gathered: bool) -> None:
    weight = even(6, 7)
    x = spikes(5, 9, 7)
    sums = equations.layer(x, weight).reshape(9, 3, 2).sum(axis=2)
    expected = 64 * (np.cumsum(sums, axis=0) if gathered else sums)
    config = NetxConfig(input="binary", readout=how)
    average = {"type": "average", "shape": [3, 1, 1]}
    np.testing.assert_array_equal(run(graph_of(tmp_path, dense(weight), average, config=config), x), expected)
    assert "the mean of 2 neurons is their sum" in notes_of(tmp_path, dense(weight), average, config=config)


def test_dense_behind_channels_of_one_place(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, CHANNELS, conv(even(3, 2, 5, 4), (3, 1, 1)), dense(even(2, 3)))
    assert graph.types["flatten2"].shape == (3,)
    with pytest.raises(UnsupportedError, match=r"layer 2 \(dense\): takes a vector, but \(3, 1, 2\) come in"):
        graph_of(tmp_path, CHANNELS, conv(even(3, 2, 5, 3), (3, 1, 2)), dense(even(2, 6)))


def test_weights_are_even_or_int8(tmp_path: Path) -> None:
    both_ends = graph_of(tmp_path, dense([[-256, 254], [2, 0]])).op("dense0")
    assert both_ends == IntDense(np.array([[-128, 127], [1, 0]]), 1)
    odd = graph_of(tmp_path, dense([[-128, 127], [2, 0]])).op("dense0")
    assert odd == IntDense(np.array([[-128, 127], [2, 0]]), 0)
    with pytest.raises(
        UnsupportedError, match=r"layer 0 \(dense\): 1 of 4 weights are odd .* from -3 to 128; 8 bits"
    ):
        graph_of(tmp_path, dense([[-3, 128], [2, 0]]))
    with pytest.raises(UnsupportedError, match=r"2 of 4 weights are outside -256..254 \(-258..256\)"):
        graph_of(tmp_path, dense([[-258, 256], [2, 0]]))


def test_weights_that_lava_dl_changes_are_noted(tmp_path: Path) -> None:
    negative = dense([[-256, -2], [-4, -6]])
    assert "netx would change 1 of 4, such as -256" in notes_of(tmp_path, negative)
    assert "all weights are 0" in notes_of(tmp_path, dense([[0, 0]]), dense([[2]]))
    assert "change" not in notes_of(tmp_path, dense([[-256, 2], [-4, -6]]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"weight": np.float32([[0.5, 2], [1.5, 2]])},
            r"2 of 4 values that are no 32-bit integers, first 0.5 at \[0, 0\]",
        ),
        (
            {"weight": np.float32([[np.nan, 2], [4, np.inf]])},
            "weight holds 2 of 4 values that are NaN or infinite",
        ),
        ({"weight": np.float32([2, 4, 6])}, r"weight \(3,\) must be \(2, inputs\)"),
        ({"weight": np.float32([[1e12, 2], [4, 6]])}, "1 of 4 values that are no 32-bit integers"),
        (
            {"weight": np.complex64([[1, 2], [4, 6]])},
            "weight holds complex64, which is neither real numbers nor text",
        ),
        ({"weight": {"real": [[2, 2]], "imag": [[2, 2]]}}, "its weights are complex"),
        ({"weight": "many"}, "weight must be numbers, not a text"),
        ({"weight": None}, "there is no field 'weight'"),
        ({"shape": [3]}, r"weight \(2, 2\) must be \(3, inputs\)"),
        ({"shape": [2, 1]}, "shape must be 1 or 3 positive extents"),
        ({"inFeatures": 3}, "inFeatures says 3, but the weights have 2"),
        ({"outFeatures": 5}, "outFeatures says 5, but the weights have 2"),
        ({"bias": np.float32([1, 2, 3])}, "bias holds 3 numbers; it must be 1 or 2"),
        ({"bias": np.float32([1, 2.25])}, "bias holds 1 of 2 values that are no 32-bit integers"),
        ({"mask": [1]}, "unknown field 'mask'"),
        ({"extra": {"a": 1}}, "unknown group 'extra'"),
        ({"type": "convT"}, "type 'convT', a transposed convolution; supported are input, flatten, dense"),
        ({"type": "dense_new"}, "type 'dense_new', which is not known"),
        ({"type": None}, "layer 0: there is no field 'type'"),
    ],
)
def test_layers_that_are_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        graph_of(tmp_path, dense([[2, 4], [6, 8]], **change))


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            [dense([[2, 4]]), dense([[2, 4]])],
            r"layer 1 \(dense\): its weights take 2 inputs, but \(1,\) come in",
        ),
        (
            [dense([[2, 4]]), {"type": "input", "shape": [1]}],
            r"layer 1 \(input\): an input layer must be layer 0",
        ),
        ([{"type": "input", "shape": [4]}], "none of its layers has neurons"),
        (
            [dense([[2]], neuron=None), dense([[2]])],
            r"layer 0 \(dense\): has no neurons; only a last dense layer",
        ),
        (
            [CHANNELS, conv(even(3, 2, 2, 2), (3, 4, 4))],
            r"shape says \(3, 4, 4\), but weights .* make \(3, 4, 3\)",
        ),
        ([CHANNELS, conv(even(3, 3, 2, 2), (3, 4, 3))], r"layer 1 \(conv\).* takes 3 channels, not 2"),
        (
            [CHANNELS, conv(even(3, 2, 9, 2), (3, 4, 3))],
            r"layer 1 \(conv\).*window \(9, 2\) is larger than the input",
        ),
        (
            [CHANNELS, {"type": "flatten", "shape": [39, 1, 1]}, dense(even(2, 40))],
            "shape holds 39 numbers, but 40 come",
        ),
        (
            [dense(even(4, 2)), {"type": "average", "shape": [3, 1, 1]}],
            r"shape says 3 outputs, but \(4,\) neurons",
        ),
        (
            [dense(even(4, 2)), {"type": "average", "shape": [2]}, dense(even(2, 2))],
            "supported as the last layer",
        ),
    ],
)
def test_chains_that_are_refused(tmp_path: Path, layers: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        graph_of(tmp_path, *layers, config=BINARY)
