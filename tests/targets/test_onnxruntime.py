from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from neurodeploy.artifact import build_model
from neurodeploy.backend import backend_entries, get_backend
from neurodeploy.errors import UnsupportedError, UsageError
from neurodeploy.ir import Delay, Flatten, Graph, IntConv, IntDense, IntInput, IntLIF, Op, Output
from neurodeploy.network import Network, Stimulus
from neurodeploy.targets.onnxruntime import target
from tests.nets import assert_equal, chain, float_graph, reference, renamed, runs, stimulus

ONNX = get_backend("onnxruntime")


@settings(max_examples=25)
@given(runs())
def test_equals_the_reference(drawn: tuple[Network, Stimulus]) -> None:
    network, given_ = drawn
    result = ONNX.run(network, given_, trace=True)
    assert_equal(result, network, reference(network, given_))
    assert result.overflows is None


def exact(network: Network, static: bool = False) -> None:
    given_ = stimulus(network, np.random.default_rng(2), static=static)
    assert_equal(ONNX.run(network, given_, trace=True), network, reference(network, given_))


@pytest.mark.parametrize("du", [0, 1, 4095, 4096])
@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
@pytest.mark.parametrize("clear", [False, True])
def test_every_kind_of_neuron(du: int, reset: Any, clear: bool) -> None:
    network = chain((6, 5), readout=reset == "none", steps=6)
    op = network.neurons["lif1"]
    threshold = 0 if reset == "none" else op.threshold_q
    op = IntLIF((5,), du, 1000, op.bias_q, threshold, reset, "gt", clear)
    exact(replace(network, graph=network.graph.replaced({"lif1": op})))


@pytest.mark.parametrize("compare", ["ge", "gt"])
@pytest.mark.parametrize(
    "fields",
    [
        {"max_spikes": 9},
        {"max_spikes": 9, "reset_by_q": 2000},
        {"refractory": 2},
        {"refractory": 1, "du": 100, "clear_current": True},
        {"v_min_q": -300},
        {"initial_q": 5000},
        {"initial_q": [1, 2, 3, 4, 5]},
        {
            "du": [0, 1, 4095, 4096, 7],
            "dv": [9, 4096, 0, 1, 1],
            "threshold_q": [640, 64, 10, 9999, 7],
            "reset_by_q": [64, 640, 10, 9, 70],
            "v_min_q": [0, -1, -9, 10, 20],
            "max_spikes": 4,
            "refractory": 1,
        },
    ],
    ids=str,
)
def test_features_of_neurons(fields: dict[str, Any], compare: Any) -> None:
    network = chain((6, 5), readout=False, steps=7)
    op = replace(network.neurons["lif1"], compare=compare, threshold_q=4000)
    exact(replace(network, graph=network.graph.replaced({"lif1": replace(op, **fields)})))


def numbers(fields: dict[str, Any]) -> tuple[set[str], set[str]]:
    """Attributes and inputs of the call of the neurons' function."""
    network = chain((6, 5), readout=False)
    op = replace(network.neurons["lif1"], **fields)
    model = build_model(replace(network, graph=network.graph.replaced({"lif1": op})))
    scan = next(node for node in model.graph.node if node.op_type == "Scan")
    call = next(node for node in scan.attribute[0].g.node if node.op_type.startswith("IntLIF"))
    given_ = {name for name in call.input if name.startswith("lif1.") and not name.endswith("_before")}
    return {attribute.name for attribute in call.attribute}, given_


def test_one_number_is_an_attribute_and_several_are_an_input() -> None:
    assert numbers({}) == ({"dv", "threshold_q"}, {"lif1.bias_q"})
    assert numbers({"bias_q": 3, "max_spikes": 2}) == ({"bias_q", "dv", "max_spikes", "threshold_q"}, set())
    assert numbers({"dv": [1, 2, 3, 4, 5]}) == ({"threshold_q"}, {"lif1.bias_q", "lif1.dv"})


def convolution(rng: np.random.Generator, shape: tuple[int, ...], **fields: Any) -> Network:
    """Input of `shape`, one convolution, neurons."""
    kernel = fields.pop("kernel")
    groups = fields.get("groups", 1)
    axes = len(kernel)
    settings_: dict[str, Any] = {"stride": (1,) * axes, "padding": (0,) * 2 * axes, "dilation": (1,) * axes}
    weight = rng.integers(-128, 128, (4, shape[0] // groups, *kernel))
    conv = IntConv(weight, fields.pop("exponent", -2), **{**settings_, **fields})
    ops: dict[str, Op] = {"in": IntInput(shape, 1.0, -9, 20), "conv": conv}
    places = conv.windows.places(shape[1:])
    bias = rng.integers(-500, 500, (4, *(1,) * axes))
    ops |= {"lif": IntLIF((4, *places), 3000, 900, bias, 3000, "subtract"), "out": Output()}
    return Network(Graph(ops, pairwise(ops)), 3, "any")


@pytest.mark.parametrize(
    ("shape", "fields"),
    [
        ((2, 5, 6), {"kernel": (3, 2)}),
        ((2, 5, 6), {"kernel": (3, 3), "stride": (2, 1), "padding": (1, 0, 2, 1)}),
        ((2, 7, 6), {"kernel": (2, 3), "dilation": (3, 2), "exponent": 1}),
        ((4, 5, 5), {"kernel": (2, 2), "groups": 2, "exponent": 0}),
        ((4, 5, 5), {"kernel": (2, 2), "stride": (2, 2), "groups": 4}),
        ((3, 9), {"kernel": (3,), "stride": (2,), "padding": (0, 2)}),
        ((2, 9), {"kernel": (2,), "dilation": (4,), "groups": 2}),
    ],
    ids=str,
)
@pytest.mark.parametrize("backend", ["engine", "onnxruntime"])
def test_convolutions(backend: str, shape: tuple[int, ...], fields: dict[str, Any]) -> None:
    rng = np.random.default_rng(3)
    network = convolution(rng, shape, **fields)
    given_ = stimulus(network, rng, static=False)
    expected = reference(network, given_)
    assert expected["lif"].spikes.any()
    assert_equal(get_backend(backend).run(network, given_, trace=True), network, expected)


def test_sums_too_large_for_digits_are_refused() -> None:
    conv = IntConv(np.full((1, 1 << 17, 1), -128), -9, (1,), (0, 0), (1,))
    ops = {"in": IntInput((1 << 17, 1), 1.0, 0, 1), "conv": conv}
    ops |= {"lif": IntLIF((1, 1), 4096, 0, 1, 9, "zero"), "out": Output()}
    with pytest.raises(
        UnsupportedError, match=r"layer 'conv': its sums of single spikes reach 16777216; the"
    ):
        build_model(Network(Graph(ops, pairwise(ops)), 1, "any"))


def test_float_layers_have_no_onnx_form() -> None:
    with pytest.raises(UnsupportedError, match="layer 'in': 'input' has no ONNX form"):
        build_model(Network(float_graph(), 2, "any"))


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("signal", ["value", "spike", "current"])
def test_delays(signal: Any, steps: int) -> None:
    ops: dict[str, Op] = {"in": IntInput((2, 3), 1.0, -1, 3)}
    names = ["in", "flat", "fc", "lif", "fc2", "lif2", "out"]
    ops |= {"flat": Flatten(), "fc": IntDense(np.arange(-6, 12).reshape(3, 6), 2)}
    ops |= {"lif": IntLIF((3,), 4096, 100, 5, 640, "zero"), "fc2": IntDense([[7, 8, -3], [-1, 1, 1]], 1)}
    ops |= {"lif2": IntLIF((2,), 4096, 100, 5, 0, "none"), "out": Output()}
    place, shape = {"value": (1, (2, 3)), "spike": (4, (3,)), "current": (5, (2,))}[signal]
    ops["late"] = Delay(shape, steps, signal)
    names.insert(place, "late")
    exact(Network(Graph(ops, pairwise(names)), 4, "any"))


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    network, seen = chain(), list[tuple[int, int]]()
    given_ = stimulus(network, np.random.default_rng(0), samples=5)
    whole = ONNX.run(network, given_, trace=True)
    monkeypatch.setattr(target, "CHUNK_ELEMENTS", 2 * 6 * network.steps)
    parts = ONNX.run(network, given_, trace=True, progress=lambda done, total: seen.append((done, total)))
    assert_equal(parts, network, whole.traces)
    assert seen == [(2, 5), (4, 5), (5, 5)]


@pytest.mark.parametrize(
    "name", ["x", "x_t", "samples", "spikes", "membrane", "a", "v", "lif1.v", "fc1.weight", "network", "N"]
)
def test_any_layer_name(name: str) -> None:
    exact(renamed(chain(), "fc2", name), static=True)


def test_without_trace_only_the_outputs() -> None:
    network = chain()
    result = ONNX.run(network, stimulus(network, np.random.default_rng(0)))
    assert result.traces == {}
    assert result.membrane is not None


def test_registry() -> None:
    assert list(backend_entries()) == sorted(backend_entries())
    assert {"engine", "onnxruntime", "lava"} <= set(backend_entries())
    with pytest.raises(UsageError, match=r"there is no back end 'gpu'; there are: engine, .*onnxruntime"):
        get_backend("gpu")
