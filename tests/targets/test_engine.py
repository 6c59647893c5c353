from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodeploy import backend as backend_module
from neurodeploy.backend import Result, get_backend
from neurodeploy.errors import FitError, InputError, UnsupportedError
from neurodeploy.ir import Delay, Graph, IntConv, IntDense, IntInput, IntLIF, Op, Output
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import Register, Registers, convolution
from neurodeploy.targets.engine import neurons as engine_neurons
from neurodeploy.targets.engine import run as engine_run
from neurodeploy.targets.engine.machine import Machine
from neurodeploy.targets.engine.schedule import last_uses, stages, unchanging
from neurodeploy.targets.engine.storage import integer_type
from neurodeploy.targets.engine.target import Engine
from tests.nets import assert_equal, chain, float_graph, reference, runs, stepped, stimulus

ENGINE = Engine(compiled=False)
WIDE = Registers(Register(32, "wrap"), Register(32, "wrap"))


@settings(max_examples=40)
@given(runs())
def test_equals_the_reference(drawn: tuple[Network, Stimulus]) -> None:
    network, given_ = drawn
    assert_equal(ENGINE.run(network, given_, trace=True), network, reference(network, given_))


@settings(max_examples=40)
@given(runs())
def test_counts_every_overflow(drawn: tuple[Network, Stimulus]) -> None:
    network, given_ = drawn
    steps = stepped(network, given_, reference(network, given_))
    expected = {name: sum(one.done.overflows for one in found) for name, found in steps.items()}
    assert ENGINE.run(network, given_).overflows == expected


@settings(max_examples=25)
@given(runs(), st.sampled_from([1, 7, 40]), st.sampled_from([1, 2, 3]), st.sampled_from([1, 5]))
def test_batches_windows_and_blocks_change_nothing(
    drawn: tuple[Network, Stimulus], elements: int, least: int, block: int
) -> None:
    whole = ENGINE.run(*drawn, trace=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_run, "CHUNK_ELEMENTS", elements)
        patch.setattr(engine_run, "BATCH_LEAST", least)
        patch.setattr(engine_neurons, "BLOCK_ELEMENTS", block)
        patch.setattr(convolution, "UNFOLDED_ELEMENTS", block)
        parts = ENGINE.run(*drawn, trace=True)
    assert_equal(parts, drawn[0], whole.traces)
    assert parts.overflows == whole.overflows


def test_progress_reaches_every_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    network, seen = chain(), list[tuple[int, int]]()
    monkeypatch.setattr(engine_run, "BATCH_LEAST", 2)
    monkeypatch.setattr(engine_run, "CHUNK_ELEMENTS", 2 * 6 * network.steps)
    given_ = stimulus(network, np.random.default_rng(0), samples=5)
    ENGINE.run(network, given_, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(2, 5), (4, 5), (5, 5)]


def linear(ops: dict[str, Op], *more: tuple[str, str]) -> Graph:
    """A chain of layers in this order, and some edges more."""
    return Graph(ops, [*pairwise(ops), *more])


def wide_sums(high: int, inputs: int) -> tuple[Network, Stimulus]:
    """A sum of exactly `inputs` * (127 * `high`) plus one small odd part that narrow floats would lose."""
    weight = np.full((2, inputs), 127)
    weight[0, 0] = 1
    ops = {
        "in": IntInput((inputs,), 1.0, 0, high),
        "fc": IntDense(weight, -8),
        "lif": IntLIF((2,), 4096, 0, 0, 0, "none"),
        "out": Output(),
    }
    return Network(linear(ops), 2, "any", WIDE), Stimulus(np.full((1, inputs), high), 2, True)


@pytest.mark.parametrize("high", [255, 132_105, (1 << 24) + 1, (1 << 31) - 1])
@pytest.mark.parametrize("backend", ["engine", "onnxruntime"])
def test_sums_beyond_two_to_the_24(backend: str, high: int) -> None:
    network, given_ = wide_sums(high, 3)
    assert_equal(get_backend(backend).run(network, given_, trace=True), network, reference(network, given_))


@pytest.mark.parametrize("low", [0, -7, -(1 << 31)])
@pytest.mark.parametrize("high", [1, 255, 70_001, (1 << 31) - 1])
@pytest.mark.parametrize("backend", ["engine", "onnxruntime"])
def test_convolutions_beyond_two_to_the_24(backend: str, low: int, high: int) -> None:
    weight = np.full((2, 3, 3, 3), 127)
    weight[0, 0, 0, 0], weight[1, 0, 0, 0] = 1, -128
    ops = {
        "in": IntInput((3, 4, 3), 1.0, low, high),
        "conv": IntConv(weight, -8, (1, 1), (0, 0, 0, 0), (1, 1)),
        "lif": IntLIF((2, 2, 1), 4096, 0, 0, 0, "none"),
        "out": Output(),
    }
    network = Network(linear(ops), 1, "any", WIDE)
    x = np.random.default_rng(0).integers(low, high + 1, (3, 3, 4, 3))
    x[0], x[1] = high, low
    given_ = Stimulus(x, 1, True)
    assert_equal(get_backend(backend).run(network, given_, trace=True), network, reference(network, given_))


@pytest.mark.parametrize("backend", ["engine", "onnxruntime"])
def test_sums_that_are_not_exact_are_refused(backend: str) -> None:
    ops: dict[str, Op] = {
        "in": IntInput((3,), 1.0, 0, (1 << 31) - 1),
        "fc": IntDense(np.full((2, 3), 127), 5),
    }
    ops |= {"lif": IntLIF((2,), 4096, 0, 0, 0, "none"), "out": Output()}
    network = Network(linear(ops), 1, "any")
    with pytest.raises(
        FitError, match=r"'lif': its synaptic input can reach 26182120624224; .* up to .*\(2\^44\)"
    ):
        get_backend(backend).run(network, Stimulus(np.zeros((1, 3), np.int64), 1, True))


def test_number_types() -> None:
    assert [integer_type(low, high) for low, high in ((0, 255), (0, 256), (-1, 255), (-(1 << 31), 9))] == [
        np.uint8,
        np.uint16,
        np.int16,
        np.int32,
    ]


def test_static_and_repeated_input_are_the_same() -> None:
    network = chain()
    once = stimulus(network, np.random.default_rng(1))
    often = Stimulus(np.stack([once.x] * network.steps), network.steps, False)
    assert_equal(
        ENGINE.run(network, often, trace=True), network, ENGINE.run(network, once, trace=True).traces
    )


def test_static_layers_compute_once(monkeypatch: pytest.MonkeyPatch) -> None:
    network = chain()
    machine = Machine(network, network.steps, frozenset({network.graph.output}))
    seen: list[tuple[int, ...]] = []
    first = machine.layers["fc1"]
    advance = first.advance
    monkeypatch.setattr(first, "advance", lambda x, steps: seen.append(x[0].shape) or advance(x, steps))
    machine.run(stimulus(network, np.random.default_rng(1)), window=1)
    assert seen == [(1, 6, 3)]
    machine.run(stimulus(network, np.random.default_rng(1), static=False), window=3)
    assert seen[1:] == [(3, 6, 3), (1, 6, 3)]


def test_samples_do_not_see_each_other() -> None:
    network = chain(readout=False)
    given_ = stimulus(network, np.random.default_rng(1), samples=4)
    together = ENGINE.run(network, given_).spikes
    for n in range(4):
        alone = ENGINE.run(network, given_.select(slice(n, n + 1))).spikes
        np.testing.assert_array_equal(alone[:, 0], together[:, n])


def recurrent(steps: int) -> Graph:
    """A layer that hears itself `steps` steps later, between two that do not."""
    lif = IntLIF((2,), 4096, 0, 0, 64, "subtract")
    ops: dict[str, Op] = {"in": IntInput((2,), 1.0, 0, 1), "fc": IntDense([[1, 0], [0, 1]], 0), "lif": lif}
    ops |= {"fc2": IntDense([[1, 1]], 0), "lif2": IntLIF((1,), 4096, 4096, 0, 64, "zero"), "out": Output()}
    ops |= {"late": Delay((2,), steps), "back": IntDense([[0, 1], [1, 0]], 0)}
    chained = pairwise(("in", "fc", "lif", "fc2", "lif2", "out"))
    return Graph(ops, [*chained, ("lif", "late"), ("late", "back"), ("back", "lif")])


def test_only_cycles_share_a_stage() -> None:
    order = stages(recurrent(1))
    assert [(stage.names, stage.cyclic) for stage in order] == [
        (("in",), False),
        (("fc",), False),
        (("late", "back", "lif"), True),
        (("fc2",), False),
        (("lif2",), False),
        (("out",), False),
    ]
    assert unchanging(recurrent(1)) == {"in", "fc"}
    assert last_uses(recurrent(1), order)[1:4] == ({"in"}, {"fc", "late", "back"}, {"lif"})


@pytest.mark.parametrize("delay", [1, 2, 3, 9])
def test_cycle(delay: int) -> None:
    network = Network(recurrent(delay), 7, "any")
    x = np.zeros((7, 1, 2), np.int64)
    x[0, 0, 0] = 1
    spikes = ENGINE.run(network, Stimulus(x, 7, False), trace=True).traces["lif"].spikes[:, 0]
    assert np.argwhere(spikes).tolist() == [[t, t // delay % 2] for t in range(0, 7, delay)]


def test_cycles_take_as_many_steps_at_a_time_as_their_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(recurrent(3), 7, "any")
    machine = Machine(network, 7, frozenset({"lif2"}))
    taken: list[int] = []
    advance = machine.layers["back"].advance
    monkeypatch.setattr(
        machine.layers["back"], "advance", lambda x, steps: taken.append(steps) or advance(x, steps)
    )
    machine.run(stimulus(network, np.random.default_rng(0)), window=7)
    assert taken == [3, 3, 1]


def test_neurons_without_synapses() -> None:
    pace = IntLIF((1,), 4096, 0, 32, 96, "subtract")
    ops: dict[str, Op] = {"in": IntInput((1,), 1.0, 0, 1), "fc": IntDense([[1]], 0), "pace": pace}
    ops |= {"fc2": IntDense([[2]], 0), "lif": IntLIF((1,), 4096, 4096, 0, 128, "zero"), "out": Output()}
    graph = Graph(ops, [("in", "fc"), ("fc", "lif"), ("pace", "fc2"), ("fc2", "lif"), ("lif", "out")])
    spikes = ENGINE.run(Network(graph, 7, "any"), Stimulus(np.zeros((2, 1), np.int64), 7, True)).spikes
    assert spikes[:, 0, 0].tolist() == spikes[:, 1, 0].tolist() == [0, 0, 1, 0, 0, 1, 0]


def test_many_spikes_a_step_are_not_cut_off() -> None:
    lif = IntLIF((1,), 4096, 0, 0, 64, "subtract", max_spikes=70_000)
    ops = {"in": IntInput((1,), 1.0, 0, 90_000), "fc": IntDense([[1]], 0), "lif": lif, "out": Output()}
    network = Network(linear(ops), 1, "any")
    spikes = ENGINE.run(network, Stimulus(np.array([[300], [69_999], [90_000]]), 1, True)).spikes
    assert spikes.ravel().tolist() == [300, 69_999, 70_000]


@pytest.mark.parametrize(
    ("x", "static", "message"),
    [
        (np.zeros((3, 5)), True, r"integers of shape \(6,\) a step, not an array \(3, 5\)"),
        (np.zeros((4, 3, 6)), True, r"not an array \(4, 3, 6\)"),
        (np.zeros((0, 6)), True, r"not an array \(0, 6\)"),
        (np.zeros((5, 3, 6)), False, "the input has 5 time steps, but 4 are to be run"),
        (np.full((3, 6), 17), True, r"values 17\.\.17, but the network was compiled for 0\.\.16"),
    ],
)
@pytest.mark.parametrize("backend", ["engine", "onnxruntime"])
def test_refuses_a_stimulus_of_another_network(backend: str, x: Any, static: bool, message: str) -> None:
    with pytest.raises(InputError, match=message):
        get_backend(backend).run(chain(), Stimulus(x.astype(np.int64), 4, static))


@pytest.mark.parametrize("place", [(0, 0, 0), (3, 2, 5)])
@pytest.mark.parametrize(("value", "message"), [(17, r"values 0\.\.17"), (-1, r"values -1\.\.0")])
def test_refuses_a_value_anywhere(
    place: tuple[int, ...], value: int, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend_module, "CACHED_ELEMENTS", 20)
    x = np.zeros((4, 3, 6), np.int64)
    x[place] = value
    with pytest.raises(InputError, match=message):
        ENGINE.run(chain(), Stimulus(x, 4, False))


def test_refuses_float_layers() -> None:
    graph = float_graph()
    ops = {**{name: graph.op(name) for name in graph.names}, "in": IntInput((6,), 1.0, 0, 9)}
    network = Network(Graph(ops, graph.edges), 2, "any")
    with pytest.raises(UnsupportedError, match="layer 'fc1': the engine cannot run 'dense'"):
        ENGINE.run(network, stimulus(network, np.random.default_rng(0)))


def test_prediction() -> None:
    spikes = np.array([[[0, 1, 1], [1, 0, 0]], [[0, 1, 1], [0, 1, 0]]])
    assert Result("x", spikes, None, 0.0).prediction.tolist() == [1, 0]
    assert Result(
        "x", spikes, np.array([[[9, 9, 9]] * 2, [[1, 3, 3], [-1, -2, 0]]]), 0.0
    ).prediction.tolist() == [1, 2]


def test_network_runs_real_input() -> None:
    network = replace(chain(high=16), steps=2)
    result = network.run(np.full((3, 6), 0.5), trace=True)
    expected = reference(network, Stimulus(np.full((3, 6), 8), 2, True))
    assert_equal(result, network, expected)
    with pytest.raises(InputError, match=r"takes samples of shape \(6,\), not \(5,\)"):
        network.run(np.zeros((3, 5)))


@pytest.mark.parametrize("backend", ["engine", "onnxruntime", "torch"])
@pytest.mark.parametrize(
    ("x", "steps", "message"),
    [
        (np.full((2, 6), 0.5), 4, "the network takes integers, not float64; make the stimulus with"),
        (np.ones((2, 6), np.bool_), 4, "the network takes integers, not bool"),
        (np.zeros((2, 6), np.int64), 0, r"a sample runs for 1\.\.1048576 time steps, not 0"),
        (np.zeros((0, 6), np.int64), 4, r"integers of shape \(6,\) a step, not an array \(0, 6\)"),
    ],
    ids=["float", "bool", "steps", "samples"],
)
def test_what_is_no_stimulus_is_refused(backend: str, x: Any, steps: int, message: str) -> None:
    found = get_backend(backend)
    if found.missing() is not None:
        pytest.skip(f"{backend} is not installed")
    with pytest.raises(InputError, match=message):
        found.run(chain(), Stimulus(x, steps, True))


@pytest.mark.parametrize("backend", ["engine", "onnxruntime", "torch"])
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.int16])
@pytest.mark.parametrize("static", [False, True])
def test_integers_in_any_order_of_memory(backend: str, dtype: Any, static: bool) -> None:
    """Beside a lowest input below zero, which the compiled engine counts bytes from."""
    found = get_backend(backend)
    if found.missing() is not None:
        pytest.skip(f"{backend} is not installed")
    network = chain()
    network = replace(network, graph=network.graph.replaced({"in": IntInput((6,), 1.0, -3, 16)}))
    x = np.random.default_rng(0).integers(0, 17, (3, 6) if static else (4, 3, 6))
    expected = Engine(compiled=False).run(network, Stimulus(x, 4, static), trace=True)
    backwards = np.asfortranarray(x[..., ::-1].astype(dtype))[..., ::-1]
    given_ = Stimulus(backwards, 4, static)  # type: ignore[arg-type]
    engines = [Engine(compiled=True), Engine(compiled=False)] if backend == "engine" else [found]
    for engine in engines if find_spec("numba") else engines[-1:]:
        assert_equal(engine.run(network, given_, trace=True), network, expected.traces)
