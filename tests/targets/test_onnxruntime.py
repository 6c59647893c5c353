from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from neurodeploy.backend import backend_entries, get_backend
from neurodeploy.errors import UsageError
from neurodeploy.ir import IntLIF
from neurodeploy.network import Network, Stimulus
from neurodeploy.targets.onnxruntime import target
from tests.nets import assert_equal, chain, reference, runs, stimulus

ONNX = get_backend("onnxruntime")


@settings(max_examples=60)
@given(runs())
def test_equals_the_reference(drawn: tuple[Network, Stimulus]) -> None:
    network, given_ = drawn
    result = ONNX.run(network, given_, trace=True)
    assert_equal(result, network, reference(network, given_))
    assert result.overflows is None


@pytest.mark.parametrize("du", [0, 1, 4095, 4096])
@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
@pytest.mark.parametrize("clear", [False, True])
def test_every_kind_of_neuron(du: int, reset: Any, clear: bool) -> None:
    network = chain((6, 5), readout=reset == "none", steps=6)
    op = network.neurons["lif1"]
    threshold = 0 if reset == "none" else op.threshold_q
    op = IntLIF((5,), du, 1000, op.bias_q, threshold, reset, "gt", clear)
    network = replace(network, graph=network.graph.replaced({"lif1": op}))
    given_ = stimulus(network, np.random.default_rng(2), static=False)
    assert_equal(ONNX.run(network, given_, trace=True), network, reference(network, given_))


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    network, seen = chain(), list[tuple[int, int]]()
    given_ = stimulus(network, np.random.default_rng(0), samples=5)
    whole = ONNX.run(network, given_, trace=True)
    monkeypatch.setattr(target, "CHUNK_ELEMENTS", 2 * 6 * network.steps)
    parts = ONNX.run(network, given_, trace=True, progress=lambda done, total: seen.append((done, total)))
    assert_equal(parts, network, dict(whole.traces))
    assert seen == [(2, 5), (4, 5), (5, 5)]


@pytest.mark.parametrize(
    "name", ["x", "x_t", "samples", "spikes", "membrane", "a", "v", "lif1.v", "fc1.weight", "network"]
)
def test_any_layer_name(name: str) -> None:
    from tests.nets import renamed

    network = renamed(chain(), "fc2", name)
    given_ = stimulus(network, np.random.default_rng(0))
    assert_equal(ONNX.run(network, given_, trace=True), network, reference(network, given_))


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
