"""The compiled engine: the bits of the reference on every route, whatever the threads and the cut of a run."""

from __future__ import annotations

from ctypes import string_at
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

pytest.importorskip("numba")

from neurodeploy.ir import Graph, IntConv, IntDense, IntInput, IntLIF, Op, Output
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import Register, Registers
from neurodeploy.targets.engine.compiled import run as compiled_run
from neurodeploy.targets.engine.compiled import table
from neurodeploy.targets.engine.compiled.plan import make_plan
from neurodeploy.targets.engine.compiled.program import Program
from neurodeploy.targets.engine.target import Engine
from tests.nets import assert_equal, chain, reference, runs, stimulus

COMPILED, NUMPY = Engine(compiled=True), Engine(compiled=False)


def linear(ops: dict[str, Op], steps: int = 3, registers: Registers | None = None) -> Network:
    """A chain of these layers."""
    ops = {**ops, "out": Output()}
    return Network(Graph(ops, pairwise(ops)), steps, "any", registers or Registers())


def exact(network: Network, given_: Stimulus) -> None:
    """The same as the reference, on NumPy too, with the same overflows."""
    found, other = COMPILED.run(network, given_, trace=True), NUMPY.run(network, given_, trace=True)
    expected = reference(network, given_)
    assert_equal(found, network, expected)
    assert_equal(other, network, expected)
    assert found.overflows == other.overflows


@settings(max_examples=30)
@given(runs())
def test_equals_the_reference(drawn: tuple[Network, Stimulus]) -> None:
    exact(*drawn)


@settings(max_examples=15)
@given(runs())
def test_batches_and_windows_change_nothing(drawn: tuple[Network, Stimulus]) -> None:
    whole = COMPILED.run(*drawn, trace=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled_run, "WORKING_SET", 1)
        patch.setattr(compiled_run, "BATCH_LEAST", 2)
        parts = COMPILED.run(*drawn, trace=True)
    assert_equal(parts, drawn[0], whole.traces)
    assert parts.overflows == whole.overflows


def parts_of(network: Network, given_: Stimulus) -> int:
    """In how many parts the run was cut, each of which the same bits as NumPy."""
    done: list[int] = []
    found = COMPILED.run(network, given_, trace=True, progress=lambda now, _: done.append(now))
    expected = NUMPY.run(network, given_, trace=True)
    assert_equal(found, network, expected.traces)
    assert expected.spikes.any()
    return len(done)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_change_nothing(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    network = chain((40, 70, 5), readout=False, steps=9)
    given_ = stimulus(network, np.random.default_rng(0), samples=23, static=False)
    monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
    monkeypatch.setattr(compiled_run, "WORTH_A_THREAD", 1)
    assert parts_of(network, given_) == threads


def test_threads_are_for_long_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    network = chain((40, 70, 5), readout=False, steps=9)
    given_ = stimulus(network, np.random.default_rng(0), samples=23, static=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert parts_of(network, given_) == 1
    products = (40 * 70 + 70 * 5 + compiled_run.PRODUCTS_OF_A_NEURON * (70 + 5)) * 9 * 23
    monkeypatch.setattr(compiled_run, "WORTH_A_THREAD", products // 3)
    assert parts_of(network, given_) == 3


def route(network: Network) -> int:
    """The kind of the only group of synapses."""
    (packed,) = make_plan(network, network.steps).synapses.values()
    return packed.fields["kind"]


@pytest.mark.parametrize("out", [1, 10, 16, 17, 40, 64, 65, 130])
@pytest.mark.parametrize("inputs", [1, 3, 8, 61])
def test_dense_of_every_size_and_density(inputs: int, out: int) -> None:
    rng = np.random.default_rng(inputs * out)
    ops: dict[str, Op] = {"in": IntInput((inputs,), 1.0, 0, 255)}
    ops |= {"fc": IntDense(rng.integers(-128, 128, (out, inputs)), -2)}
    ops |= {"lif": IntLIF((out,), 3000, 500, 3, 900, "subtract")}
    network = linear(ops, steps=2)
    assert route(network) == table.DOT
    for density in (0.0, 0.03, 1.0):
        x = rng.integers(1, 256, (2, 7, inputs)) * (rng.random((2, 7, inputs)) < density)
        given_ = Stimulus(x.astype(np.int64), 2, False)
        expected = NUMPY.run(network, given_, trace=True)
        assert_equal(COMPILED.run(network, given_, trace=True), network, expected.traces)


@pytest.mark.parametrize(
    ("low", "high", "inputs", "kind"),
    [
        (0, 255, 9, table.DOT),
        (-128, 127, 9, table.DOT),
        (-255, 0, 9, table.DOT),
        (-128, 128, 9, table.DIRECT),
        (0, 256, 9, table.DIRECT),
        (0, 255, 65_794, table.DIRECT),
        (0, 255, 65_793, table.DOT),
    ],
)
def test_extreme_sums_take_the_route_that_holds_them(low: int, high: int, inputs: int, kind: int) -> None:
    weight = np.full((2, inputs), -128)
    weight[1] = 127
    ops: dict[str, Op] = {"in": IntInput((inputs,), 1.0, low, high), "fc": IntDense(weight, -8)}
    ops |= {"lif": IntLIF((2,), 4096, 0, 0, 0, "none")}
    network = linear(ops, 1, Registers(Register(32, "wrap"), Register(32, "wrap")))
    assert route(network) == kind
    x = np.full((3, inputs), high)
    x[1], x[2, 0] = low, low
    given_ = Stimulus(x, 1, True)
    assert_equal(COMPILED.run(network, given_, trace=True), network, reference(network, given_))


@pytest.mark.parametrize("largest", [(1 << 24) - 1, 1 << 24, (1 << 24) + 1])
def test_sums_at_the_end_of_float32(largest: int) -> None:
    """An odd sum beyond 2^24 is not a float32; every route holds it."""
    inputs = largest // (127 * 255)
    weight = np.full((1, inputs + 3), 127)
    x = np.full((1, inputs + 3), 255)
    rest = largest - 127 * 255 * inputs
    weight[0, inputs:], x[0, inputs:] = (127, 1, 0), (rest // 127, rest % 127, 0)
    ops: dict[str, Op] = {"in": IntInput((inputs + 3,), 1.0, 0, 255), "fc": IntDense(weight, 0)}
    ops |= {"lif": IntLIF((1,), 4096, 0, 0, 0, "none")}
    network = linear(ops, 1, Registers(Register(32, "wrap"), Register(32, "wrap")))
    for engine in (COMPILED, NUMPY):
        found = engine.run(network, Stimulus(x, 1, True)).membrane
        assert found is not None and found.item() == ((largest << 6) + (1 << 31)) % (1 << 32) - (1 << 31)


@pytest.mark.parametrize(
    ("shape", "fields", "kind"),
    [
        ((3, 6, 5), {"kernel": (3, 3), "padding": (1, 1, 1, 1)}, table.DOT),
        ((5, 7, 6), {"kernel": (2, 3), "stride": (2, 1), "padding": (0, 2, 1, 0)}, table.DOT),
        ((2, 9, 9), {"kernel": (3, 2), "dilation": (2, 3)}, table.DOT),
        ((4, 6, 6), {"kernel": (2, 2), "stride": (2, 2), "groups": 4}, table.CHANNELS),
        ((4, 6, 6), {"kernel": (3, 3), "padding": (1, 1, 1, 1), "groups": 2}, table.DIRECT),
        ((3, 11), {"kernel": (3,), "padding": (1, 2)}, table.DOT),
        ((4, 11), {"kernel": (3,), "stride": (2,), "groups": 4}, table.CHANNELS),
    ],
    ids=str,
)
@pytest.mark.parametrize("low", [0, -100])
def test_convolutions(shape: tuple[int, ...], fields: dict[str, Any], kind: int, low: int) -> None:
    rng = np.random.default_rng(1)
    kernel, groups = fields["kernel"], fields.get("groups", 1)
    axes = len(kernel)
    geometry: dict[str, Any] = {"stride": (1,) * axes, "padding": (0,) * 2 * axes, "dilation": (1,) * axes}
    geometry |= {name: value for name, value in fields.items() if name != "kernel"}
    weight = rng.integers(-128, 128, (4, shape[0] // groups, *kernel))
    conv = IntConv(weight, -3, **geometry)
    places = conv.windows.places(shape[1:])
    ops: dict[str, Op] = {"in": IntInput(shape, 1.0, low, 100), "conv": conv}
    ops |= {"lif": IntLIF((4, *places), 3000, 900, rng.integers(-99, 99, (4, *(1,) * axes)), 2000, "zero")}
    network = linear(ops)
    assert route(network) == kind
    exact(network, stimulus(network, rng, samples=2, static=False))


@pytest.mark.parametrize("overflow", ["saturate", "wrap"])
@pytest.mark.parametrize("du", [0, 700, 4096])
def test_overflowing_registers(overflow: Any, du: int) -> None:
    registers = Registers(Register(10, overflow), Register(12, overflow))
    rng = np.random.default_rng(du)
    ops: dict[str, Op] = {
        "in": IntInput((9,), 1.0, 0, 1),
        "fc": IntDense(rng.integers(-128, 128, (43, 9)), 0),
    }
    ops |= {"lif": IntLIF((43,), du, 200, 5, 900, "subtract", "gt", clear_current=True)}
    network = linear(ops, 8, registers)
    exact(network, stimulus(network, rng, static=False))
    overflows = COMPILED.run(network, stimulus(network, rng, static=False)).overflows
    assert overflows is not None and overflows["lif"] > 0


@pytest.mark.parametrize("overflow", ["saturate", "wrap"])
def test_what_a_wrapped_current_does_to_a_potential(overflow: Any) -> None:
    """u and the bias cancel in registers without end; u as its register holds it leaves that of v."""
    registers = Registers(Register(12, overflow), Register(12, "saturate"))
    ops: dict[str, Op] = {"in": IntInput((1,), 1.0, 0, 40), "fc": IntDense(np.ones((1, 1)), 0)}
    network = linear({**ops, "lif": IntLIF((1,), 4096, 4096, -600, 1, "zero")}, 3, registers)
    exact(network, Stimulus(np.array([[40]]), 3, True))


def test_a_long_run_meets_a_reset_that_a_register_cannot_hold() -> None:
    ops: dict[str, Op] = {"in": IntInput((1,), 1.0, 0, 1), "fc": IntDense(np.ones((1, 1)), 0)}
    lif = IntLIF((1,), 4096, 0, 0, 64 * 4500, "subtract", reset_by_q=1 << 25)
    network = linear({**ops, "lif": lif}, 4510)
    exact(network, Stimulus(np.ones((1, 1), np.int64), 4510, True))


@pytest.mark.parametrize(("active", "listed"), [([3], True), ([1, 9, 14], True), ([0, 1, 2, 3, 4], False)])
def test_rows_become_lists_where_few_quads_are_active(active: list[int], listed: bool) -> None:
    """Of 16 groups of four inputs; the list of the last row stays in the layer's working space."""
    network = linear(
        {"in": IntInput((64,), 1.0, 0, 1), "fc": IntDense(np.ones((33, 64)), 0), "lif": plain(33)}
    )
    program = Program(make_plan(network, 3), 5, 1, frozenset(), False)
    program.reset(5)
    program.signal("in", 1)[..., [4 * quad + 1 for quad in active]] = 1
    program.advance(1)
    (at,) = (row["active"] for row in program._table if row["kind"] == table.DOT)
    found = np.frombuffer(string_at(int(at), 16 * 8), np.int64)[: len(active)]
    assert found.tolist() == (active if listed else [0] * len(active))


def plain(size: int) -> IntLIF:
    return IntLIF((size,), 4096, 0, 0, 900, "zero")
