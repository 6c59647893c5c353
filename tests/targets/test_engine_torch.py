"""The engine on torch: the bits of the reference whatever torch is set to, and what it says where it cannot run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

pytest.importorskip("torch")

import torch

from neurodeploy.backend import get_backend
from neurodeploy.compare.backends import compare
from neurodeploy.errors import BackendMissing, UsageError
from neurodeploy.ir import Delay, Graph, IntConv, IntDense, IntInput, IntLIF, Op, Output
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import Register, Registers
from neurodeploy.targets.engine import run as engine_run
from neurodeploy.targets.engine.target import Engine
from neurodeploy.targets.engine.torch.exact import exact
from neurodeploy.targets.engine.torch.synapses import Synapses
from tests.nets import assert_equal, chain, reference, runs, stimulus
from tests.targets.routes import every_route

TORCH, NUMPY = get_backend("torch"), Engine(compiled=False)
CPU = torch.device("cpu")


@settings(max_examples=30)
@given(runs())
def test_equals_the_reference(drawn: tuple[Network, Stimulus]) -> None:
    network, given_ = drawn
    found = TORCH.run(network, given_, trace=True)
    assert_equal(found, network, reference(network, given_))
    assert found.overflows == NUMPY.run(network, given_).overflows


@settings(max_examples=10)
@given(runs())
def test_currents_are_those_of_numpy(drawn: tuple[Network, Stimulus]) -> None:
    expected = NUMPY.run(*drawn, trace=True, current=True).traces
    for name, trace in TORCH.run(*drawn, trace=True, current=True).traces.items():
        assert trace.current is not None and expected[name].current is not None
        np.testing.assert_array_equal(trace.current, expected[name].current)


@pytest.mark.parametrize("elements", [1, 3000, 1 << 22])
def test_cuts_in_batches_and_time_change_nothing(elements: int, monkeypatch: pytest.MonkeyPatch) -> None:
    network = every_route()
    given_ = stimulus(network, np.random.default_rng(0), samples=40, static=False)
    expected = NUMPY.run(network, given_, trace=True)
    monkeypatch.setattr("neurodeploy.targets.engine.torch.target.CHUNK_ELEMENTS", elements)
    monkeypatch.setattr(engine_run, "BATCH_LEAST", 3)
    assert_equal(TORCH.run(network, given_, trace=True), network, expected.traces)
    assert any(trace.spikes.any() for trace in expected.traces.values())


@pytest.mark.parametrize("overflow", ["saturate", "wrap"])
def test_overflows_are_counted(overflow: Any) -> None:
    ops: dict[str, Op] = {"in": IntInput((4,), 1.0, -9, 9), "fc": IntDense(np.full((3, 4), 99), 0)}
    ops |= {"lif": IntLIF((3,), 900, 200, 7, 900, "subtract", refractory=1, clear_current=True)}
    graph = Graph({**ops, "out": Output()}, [("in", "fc"), ("fc", "lif"), ("lif", "out")])
    network = Network(graph, 6, "any", Registers(Register(12, overflow), Register(14, overflow)))
    given_ = stimulus(network, np.random.default_rng(0), static=False)
    found = TORCH.run(network, given_, trace=True)
    assert_equal(found, network, reference(network, given_))
    assert found.overflows == NUMPY.run(network, given_).overflows
    assert found.overflows is not None and found.overflows["lif"] > 0


@pytest.mark.parametrize(
    ("largest", "dtype"),
    [((1 << 24) - 1, torch.float32), (1 << 24, torch.float64), ((1 << 24) + 1, torch.float64)],
)
def test_sums_at_the_end_of_float32(largest: int, dtype: Any) -> None:
    op = IntDense(np.array([[1, 0]]), 0)
    found = Synapses(op, largest, CPU, 1)(torch.tensor([[[largest, 0]]], dtype=torch.float64))
    assert found.dtype == dtype and int(found) == largest


def test_unfolded_convolutions_are_exact_where_transforms_round() -> None:
    """Sums up to the edge of 2^24, beyond which the inputs of a transform would be."""
    rng = np.random.default_rng(0)
    op = IntConv(rng.choice([-128, 127], (4, 57, 3, 3)), 0, (1, 1), (1,) * 4, (1, 1))
    x = rng.choice([0, 255], (2, 3, 57, 12, 12))
    found = Synapses(op, 255, CPU, 1)(torch.tensor(x, dtype=torch.float32))
    weight = torch.tensor(op.weight_q, dtype=torch.float64)
    expected = torch.nn.functional.conv2d(torch.tensor(x[0], dtype=torch.float64), weight, padding=1)
    assert found.dtype == torch.float32 and torch.equal(found[0].double(), expected)


@pytest.mark.parametrize("before", ["highest", "high", "medium"])
def test_settings_of_the_program_do_not_matter_and_stay(before: str) -> None:
    network = chain((300, 200, 5), high=255)
    given_ = stimulus(network, np.random.default_rng(0), static=False)
    expected = NUMPY.run(network, given_, trace=True)
    torch.set_float32_matmul_precision(before)
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert_equal(TORCH.run(network, given_, trace=True), network, expected.traces)
            assert torch.is_autocast_enabled("cpu")
        assert torch.get_float32_matmul_precision() == before
    finally:
        torch.set_float32_matmul_precision("highest")


def test_within_a_run_products_are_of_whole_float32() -> None:
    torch.set_float32_matmul_precision("high")
    try:
        with exact(CPU):
            assert not torch.backends.cuda.matmul.allow_tf32
            assert not torch.ones(1, requires_grad=True).mul(2).requires_grad
        assert torch.backends.cuda.matmul.allow_tf32
    finally:
        torch.set_float32_matmul_precision("highest")


def test_newer_switches_of_torch_are_overruled_and_stay() -> None:
    switch = torch.backends.cuda.matmul
    if not hasattr(switch, "fp32_precision"):
        pytest.skip("this torch has no switches of its own for each product")
    switch.fp32_precision = "tf32"
    try:
        with exact(CPU):
            assert switch.fp32_precision == "ieee"
        assert switch.fp32_precision == "tf32"
    finally:
        switch.fp32_precision = "none"


def test_verify_takes_it() -> None:
    network = chain()
    given_ = stimulus(network, np.random.default_rng(0))
    done = compare(network, given_, ("engine", "torch", "torch:cpu"))
    assert done.equal and done.backends == ("engine", "torch", "torch:cpu")


def test_devices_that_are_not_there() -> None:
    network = chain()
    given_ = stimulus(network, np.random.default_rng(0))
    with pytest.raises(UsageError, match=r"there is no device 'tpu'. There are cpu, cuda and cuda:N"):
        get_backend("torch:tpu").run(network, given_)
    with pytest.raises(UsageError, match="back end 'torch:': no device is named behind the colon"):
        get_backend("torch:")
    with pytest.raises(
        UsageError, match="back end 'onnxruntime' has no devices to choose from, such as 'cuda'"
    ):
        get_backend("onnxruntime:cuda")
    if not torch.cuda.is_available():
        with pytest.raises(
            BackendMissing, match=r"device cuda: torch .* finds no CUDA GPU .* Try the device cpu"
        ):
            get_backend("torch:cuda").run(network, given_)


def test_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurodeploy.targets.engine.torch.target.find_spec", lambda name: None)
    network = chain()
    with pytest.raises(BackendMissing, match=r"torch is not installed: pip install torch==2\.13\.0"):
        TORCH.run(network, stimulus(network, np.random.default_rng(0)))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA GPU")
@settings(max_examples=20)
@given(runs())
def test_equals_the_reference_on_a_gpu(drawn: tuple[Network, Stimulus]) -> None:
    network, given_ = drawn
    torch.backends.cuda.matmul.allow_tf32 = True
    try:
        found = get_backend("torch:cuda").run(network, given_, trace=True)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = False
    assert_equal(found, network, reference(network, given_))


def test_a_long_delay_takes_in_what_never_changes() -> None:
    """A static input, whose one step stands for all."""
    ops: dict[str, Op] = {"in": IntInput((3,), 1.0, 0, 9), "late": Delay((3,), 4, "value")}
    ops |= {"fc": IntDense(np.eye(3), 0), "sum": IntLIF((3,), 4096, 0, 0, 0, "none"), "out": Output()}
    network = Network(Graph(ops, [("in", "late"), ("late", "fc"), ("fc", "sum"), ("sum", "out")]), 6, "any")
    given_ = stimulus(network, np.random.default_rng(0))
    for engine in (TORCH, NUMPY):
        assert_equal(engine.run(network, given_, trace=True), network, reference(network, given_))
