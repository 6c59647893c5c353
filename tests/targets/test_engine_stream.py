"""Streams: step by step the bits of a run, and a state that can be taken and put back."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings

from neurodeploy.errors import InputError, UsageError
from neurodeploy.ir import Delay, Graph, IntDense, IntInput
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import State, bounds, step
from neurodeploy.targets.engine.target import Engine
from tests.nets import chain, runs, stimulus

COMPILED = pytest.param(
    True, marks=pytest.mark.skipif(find_spec("numba") is None, reason="numba is not installed")
)


@pytest.mark.parametrize("compiled", [False, COMPILED])
@settings(max_examples=6)
@given(runs())
def test_steps_are_those_of_a_run(compiled: bool, drawn: tuple[Network, Stimulus]) -> None:
    network, given_ = drawn
    engine = Engine(compiled)
    whole = engine.run(network, given_)
    expected = whole.membrane if whole.membrane is not None else whole.spikes
    stream = engine.stream(network, given_.samples)
    for t in range(given_.steps):
        state = stream.state()
        stream.step_q(given_.frame(t))
        other = engine.stream(network, given_.samples)
        other.restore(state)
        np.testing.assert_array_equal(other.step_q(given_.frame(t)), expected[t])
        stream = other
    stream.reset()
    np.testing.assert_array_equal(stream.step_q(given_.frame(0)), expected[0])


@pytest.mark.parametrize("compiled", [False, COMPILED])
def test_a_state_goes_to_the_other_engine(compiled: bool) -> None:
    network = chain((6, 40, 4), steps=8)
    given_ = stimulus(network, np.random.default_rng(0), static=False)
    first, second = Engine(compiled).stream(network, 3), Engine(False).stream(network, 3)
    for t in range(4):
        first.step_q(given_.frame(t))
    second.restore(first.state())
    for t in range(4, 8):
        np.testing.assert_array_equal(first.step_q(given_.frame(t)), second.step_q(given_.frame(t)))


def test_real_input() -> None:
    network = chain(high=16, steps=3)
    x = np.random.default_rng(0).random((2, 6))
    result = network.run(x)
    stream = Engine().stream(network, 2)
    assert result.membrane is not None
    for t in range(3):
        np.testing.assert_array_equal(stream.step(x), result.membrane[t])
    assert stream.steps == 3


def test_refuses_what_is_not_the_networks() -> None:
    stream = Engine().stream(chain(high=16), 2)
    with pytest.raises(InputError, match="runs 2 samples side by side, not 3"):
        stream.step(np.zeros((3, 6)))
    with pytest.raises(InputError, match=r"integers of shape \(2, 6\), not int64 \(2, 5\)"):
        stream.step_q(np.zeros((2, 5), np.int64))
    with pytest.raises(InputError, match=r"values 0\.\.17, but the network was compiled for 0\.\.16"):
        stream.step_q(np.array([[0] * 6, [17] * 6]))
    with pytest.raises(InputError, match=r"state's 'lif1\.v' has shape \(2, 4\); the stream's has \(2, 5\)"):
        stream.restore({**stream.state(), "lif1.v": np.zeros((2, 4), np.int64)})
    with pytest.raises(
        InputError,
        match=r"'lif1\.v' holds 1099511627776 at \(0, 0\); only -8388607\.\.8388607 are",
    ):
        stream.restore({**stream.state(), "lif1.v": np.full((2, 5), 1 << 40)})
    with pytest.raises(InputError, match=r"state's 'lif1\.v' must hold integers, not float64"):
        stream.restore({**stream.state(), "lif1.v": np.zeros((2, 5))})
    with pytest.raises(InputError, match="runs 2 samples side by side, not one number"):
        stream.step(0.5)
    with pytest.raises(InputError, match="a whole number of samples side by side, not 0"):
        Engine().stream(chain(), 0)


def remembering() -> Network:
    """Neurons with every kind of memory, fed through a delay of spikes and one of currents."""
    network = chain((6, 5, 4), steps=4)
    graph = network.graph
    neurons = replace(network.neurons["lif1"], du=2048, refractory=2, initial_q=-50, v_min_q=-3000)
    ops = {n: graph.op(n) for n in graph.names} | {
        "lif1": neurons,
        "spikes": Delay((5,), 2),
        "currents": Delay((4,), 1, "current"),
    }
    edges = [e for e in graph.edges if e not in (("lif1", "fc2"), ("fc2", "lif2"))]
    edges += [("lif1", "spikes"), ("spikes", "fc2"), ("fc2", "currents"), ("currents", "lif2")]
    return replace(network, graph=Graph(ops, edges))


@pytest.mark.parametrize("compiled", [False, COMPILED])
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("lif1.v", 1 - (1 << 23), (1 << 23) - 1),
        ("lif1.u", -(1 << 23), (1 << 23) - 1),
        ("lif1.waiting", 0, 2),
        ("spikes.line", 0, 1),
        ("currents.line", None, None),
    ],
)
def test_values_that_no_state_holds_are_refused(
    compiled: bool, name: str, low: int | None, high: int | None
) -> None:
    network = remembering()
    if low is None or high is None:
        weight = network.graph.of(IntDense)["fc2"].weight_q.astype(int)[1]
        low, high = int(np.minimum(weight, 0).sum()), int(np.maximum(weight, 0).sum())
    stream = Engine(compiled).stream(network, 2)
    before = stream.state()
    for end, beyond in ((low, low - 1), (high, high + 1)):
        kept, wrong = before[name].copy(), before[name].copy()
        kept.flat[1], wrong.flat[1] = end, beyond
        stream.restore({**before, name: kept})
        np.testing.assert_array_equal(stream.state()[name], kept)
        with pytest.raises(InputError) as caught:
            stream.restore({**before, name: wrong})
        where = tuple(np.argwhere(wrong == beyond)[0].tolist())
        assert f"state's '{name}' holds {beyond} at {where}; only {low}..{high} are" in str(caught.value)
        np.testing.assert_array_equal(stream.state()[name], kept)


@pytest.mark.parametrize(
    ("changes", "low", "high"),
    [
        ({"initial_q": -(1 << 30)}, -(1 << 30), (1 << 23) - 1),
        ({"v_min_q": 1 << 24}, 1 - (1 << 23), 1 << 24),
        ({"threshold_q": 64, "reset_by_q": 1 << 25}, 64 - (1 << 25), (1 << 23) - 1),
    ],
    ids=["start", "floor", "spike"],
)
def test_potentials_may_leave_their_register_where_the_neurons_say_so(
    changes: dict[str, int], low: int, high: int
) -> None:
    network = chain()
    neurons = replace(network.neurons["lif1"], **changes)  # type: ignore[arg-type]
    network = replace(network, graph=network.graph.replaced({"lif1": neurons}))
    stream = Engine(False).stream(network, 1)
    for _ in range(4):
        stream.step_q(np.full((1, 6), 16))
        stream.restore(stream.state())
    with pytest.raises(InputError, match=f"only {low}..{high} are possible"):
        stream.restore({**stream.state(), "lif1.v": np.full((1, 5), high + 1)})


@pytest.mark.parametrize("compiled", [False, COMPILED])
@pytest.mark.parametrize("du", [2048, 4096])
def test_a_state_made_by_hand_is_held_by_its_registers(compiled: bool, du: int) -> None:
    """Potentials and currents that a run from the reset state is proven never to reach."""
    network = chain(high=1)
    neurons = replace(network.neurons["lif1"], du=du, dv=0, bias_q=0, reset="zero")
    excitatory = IntDense(np.abs(network.graph.of(IntDense)["fc1"].weight_q.astype(np.int64)), 0)
    network = replace(network, graph=network.graph.replaced({"lif1": neurons, "fc1": excitatory}))
    assert bounds.checked(network.graph, "lif1", network.registers, 1 << 20) == (None, None)
    x = np.ones((2, 6), np.int64)
    stream, registers = Engine(compiled).stream(network, 2), network.registers
    state = stream.state()
    state["lif1.v"][:] = [[registers.v.high] * 5, [registers.v.low] * 5]
    if du < 4096:
        state["lif1.u"][:] = [[registers.u.high] * 5, [registers.u.low] * 5]
    stream.restore(state)
    a = x @ network.graph.of(IntDense)["fc1"].weight_q.T.astype(np.int64)
    u = state.get("lif1.u", np.zeros((2, 5), np.int64))
    expected = step(neurons, registers, State(u, state["lif1.v"]), a)
    assert expected.overflows
    stream.step_q(x)
    np.testing.assert_array_equal(stream.state()["lif1.v"], expected.state.v)


@pytest.mark.parametrize("compiled", [False, COMPILED])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint32])
def test_takes_integers_of_any_type(compiled: bool, dtype: type[np.integer]) -> None:
    """Beside a lowest input below zero, which bytes are counted from."""
    network = chain()
    network = replace(network, graph=network.graph.replaced({"in": IntInput((6,), 1.0, -3, 16)}))
    x = np.arange(12).reshape(2, 6)
    expected = Engine(False).stream(network, 2).step_q(x)
    np.testing.assert_array_equal(Engine(compiled).stream(network, 2).step_q(x.astype(dtype)), expected)
    state = {name: value.astype(dtype) for name, value in Engine(False).stream(network, 2).state().items()}
    stream = Engine(compiled).stream(network, 2)
    stream.restore(state)
    np.testing.assert_array_equal(stream.step_q(x.tolist()), expected)


def test_network_streams() -> None:
    network = chain(high=16)
    assert network.stream().step(np.full((1, 6), 0.5)).shape == (1, 4)
    with pytest.raises(UsageError, match="back end 'onnxruntime' has no streams; 'engine' has"):
        network.stream(backend="onnxruntime")
