"""Axonal delays, one for each neuron, as groups of synapses with one delay each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.frontends.netx import NetxConfig
from neurodeploy.ir import Delay
from tests.frontends.netx import equations
from tests.frontends.netx.files import conv, dense, graph_of, notes_of, run, spikes
from tests.nets import rngs

OUTPUT = NetxConfig(input="binary", delay="output")
INPUT = NetxConfig(input="binary", delay="input")


@settings(max_examples=20)
@given(rngs(), st.booleans(), st.integers(0, 5))
def test_delays_of_a_chain(
    tmp_path_factory: Any, rng: np.random.Generator, recurrent: bool, longest: int
) -> None:
    """Delays of outputs, as training has them, in hidden and last layers."""
    first, back, second = (2 * rng.integers(-20, 30, shape) for shape in ((4, 3), (4, 4), (3, 4)))
    delays = rng.integers(0, longest + 1, 4), rng.integers(0, longest + 1, 3)
    x = spikes(int(rng.integers(1 << 30)), 10, 3, rate=0.6)
    hidden = equations.layer(x, first, recurrent=back if recurrent else None, delay=delays[0])
    expected = equations.layer(hidden, second, delay=delays[1])
    layer = dense(first, delay=delays[0].astype(np.float32))
    if recurrent:
        layer = {**layer, "type": "dense_rec", "weight_rec": back.astype(np.float32)}
    graph = graph_of(tmp_path_factory.mktemp("net"), layer, dense(second, delay=delays[1].astype(np.float32)))
    np.testing.assert_array_equal(run(graph, x), expected)


@pytest.mark.parametrize("config", [OUTPUT, INPUT])
def test_delays_with_biases(tmp_path: Path, config: NetxConfig) -> None:
    rng = np.random.default_rng(3)
    first, second = 2 * rng.integers(-20, 30, (4, 3)), 2 * rng.integers(-20, 30, (3, 4))
    delay, bias = np.array([0, 2, 1, 3]), np.array([4, 3, -3, 2])
    x = spikes(7, 20, 3)
    if config.delay == "output":
        hidden = equations.layer(x, first, bias=bias, delay=delay)
    else:
        columns = [
            equations.layer(equations.delayed(x, d), first[i : i + 1], bias=bias[i])
            for i, d in enumerate(delay)
        ]
        hidden = np.concatenate(columns, axis=1)
    layer = dense(first, delay=np.float32(delay), bias=np.float32(bias))
    graph = graph_of(tmp_path, layer, dense(second), config=config)
    np.testing.assert_array_equal(run(graph, x), equations.layer(hidden, second))
    assert f"its {config.delay} is delayed" in notes_of(tmp_path, layer, dense(second), config=config)


def test_delays_with_biases_are_asked_for(tmp_path: Path) -> None:
    layer = dense([[2, 4], [6, 8]], delay=np.float32([0, 3]), bias=np.float32([1, 2]))
    with pytest.raises(
        UnsupportedError, match=r"has delays and biases.*--set netx.delay=input or netx.delay=output"
    ):
        graph_of(tmp_path, layer, dense([[2, 4]]))
    assert graph_of(tmp_path, layer, dense([[2, 4]]), preset="lava-dl") == graph_of(
        tmp_path, layer, dense([[2, 4]]), config=INPUT
    )


def test_delays_of_a_convolution_pass_through_flatten(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    weight = 2 * rng.integers(-10, 30, (3, 2, 2, 2))
    x = spikes(9, 16, 2, 4, 4)
    sums = equations.convolution(x, weight, (1, 1), (0, 0), 1).reshape(16, -1)
    each = np.repeat([2, 0, 1], 9)
    hidden = equations.layer(sums, np.eye(27), bias=3, delay=each)
    layers = (
        {"type": "input", "shape": [2, 4, 4]},
        conv(weight, (3, 3, 3), delay=np.float32([2, 0, 1]), bias=np.float32([3])),
        {"type": "flatten", "shape": [27, 1, 1]},
        dense(2 * rng.integers(-20, 30, (2, 27))),
    )
    graph = graph_of(tmp_path, *layers)
    np.testing.assert_array_equal(run(graph, x), equations.layer(hidden, layers[3]["weight"].astype(int)))
    assert "its delays are kept; lava-dl's netx has none for 'conv'" in notes_of(tmp_path, *layers)


def test_delays_pass_into_grouped_convolutions(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    first, second = 2 * rng.integers(-10, 30, (4, 2, 1, 1)), 2 * rng.integers(-10, 30, (6, 2, 2, 1))
    x = spikes(10, 16, 2, 3, 2)
    sums = equations.convolution(x, first, (1, 1), (0, 0), 1).reshape(16, -1)
    hidden = equations.layer(sums, np.eye(24), bias=1, delay=np.repeat([3, 0, 1, 1], 6)).reshape(16, 4, 3, 2)
    after = equations.convolution(hidden, second, (1, 1), (0, 0), 2).reshape(16, -1)
    graph = graph_of(
        tmp_path,
        {"type": "input", "shape": [2, 3, 2]},
        conv(first, (4, 3, 2), delay=np.float32([3, 0, 1, 1]), bias=np.float32([1])),
        conv(second, (6, 2, 2), groups=2),
    )
    np.testing.assert_array_equal(run(graph, x), equations.layer(after, np.eye(24)))


def test_a_common_delay_of_the_output(tmp_path: Path) -> None:
    x = spikes(8, 12, 2)
    layer = dense([[30, 4], [6, 38]], delay=np.float32([2, 2]), bias=np.float32([1, 2]))
    graph = graph_of(tmp_path, layer, config=OUTPUT)
    assert graph.op("delay.output") == Delay((2,), 2)
    with pytest.raises(UnsupportedError, match="the outputs of the last layer have 2 different delays"):
        graph_of(tmp_path, {**layer, "delay": np.float32([2, 1])}, config=OUTPUT)
    assert run(graph, x, "lif0").any()


def test_delays_of_zero_add_nothing(tmp_path: Path) -> None:
    assert graph_of(tmp_path, dense([[2, 4]], delay=np.float32([0]))) == graph_of(tmp_path, dense([[2, 4]]))


def test_long_delays_are_noted(tmp_path: Path) -> None:
    notes = notes_of(tmp_path, dense([[2, 4], [4, 6]], delay=np.float32([63, 0])))
    assert "delays up to 63 are kept; lava-dl's netx cuts them to 62" in notes


@pytest.mark.parametrize(
    ("delay", "message"),
    [
        (np.float32([0.5, 1]), "delay holds 1 of 2 values that are no 32-bit integers"),
        (np.float32([-1, 1]), "delays must be in 0..1048575, not -1..1"),
        (np.float32([1, 2, 3]), "delay holds 3 numbers; it must be 1 or 2"),
    ],
)
def test_delays_that_are_refused(tmp_path: Path, delay: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        graph_of(tmp_path, dense([[2, 4], [4, 6]], delay=delay))


def test_too_many_delays(tmp_path: Path) -> None:
    weight = np.full((130, 2), 4)
    with pytest.raises(UnsupportedError, match=r"layer 0 \(dense\): its synapses have 130 different delays"):
        graph_of(tmp_path, dense(weight, delay=np.arange(130, dtype=np.float32)))
