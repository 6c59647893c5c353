from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodeploy.errors import FitError
from neurodeploy.ir import Delay, Flatten, Graph, IntConv, IntDense, IntInput, IntLIF, Op, Output
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import Register, Registers, State, bounds, decay, shift, step
from tests.nets import int_neurons, reference, rngs, runs, stepped

ENDLESS = Registers(Register(32, "saturate"), Register(32, "saturate"))


def one(op: IntLIF, name: str) -> int:
    """A parameter of a single neuron."""
    return int(np.ravel(getattr(op, name))[0])


def require_within(op: IntLIF, low: int, high: int, steps: int, draw: np.random.Generator) -> None:
    """Runs of 40 neurons whose currents are often at an end, in registers that hold everything."""
    current = bounds.Interval(np.array([low]), np.array([high]))
    found = bounds.neurons(op, current, steps)
    state = State.start(op, (40,))
    for _ in range(steps):
        a = draw.choice([low, high, draw.integers(low, high + 1)], (40, 1))
        a[0], a[1] = low, high
        u = decay(state.u, op.du) + a * 64
        v = decay(state.v, op.dv) + u + op.bias_q
        done = step(op, ENDLESS, state, a)
        assert done.overflows == 0
        written = v if state.waiting is None else np.where(state.waiting > 0, done.potential, v)
        for interval, values in ((found.u, u), (found.v, written), (found.v, done.potential)):
            assert (interval.low <= values).all()
            assert (values <= interval.high).all()
        state = done.state


@settings(max_examples=120)
@given(
    int_neurons(1, span=1 << 12) | int_neurons(1, readout=True, span=1 << 12),
    st.integers(-60, 60),
    st.integers(0, 80),
    st.integers(1, 30),
    rngs(),
)
def test_no_value_leaves_the_interval(
    op: IntLIF, low: int, more: int, steps: int, draw: np.random.Generator
) -> None:
    require_within(op, low, low + more, steps, draw)


@pytest.mark.parametrize(
    "changes",
    [
        {"clear_current": True, "bias_q": 1000},
        {"refractory": 3, "reset_by_q": 5000},
        {"v_min_q": -20},
        {"v_min_q": 700, "max_spikes": 3},
        {"initial_q": 90},
    ],
    ids=str,
)
@pytest.mark.parametrize("current", [-1, 0, 2])
def test_what_holds_a_potential(changes: dict[str, Any], current: int) -> None:
    fields: dict[str, Any] = {
        "du": 0,
        "dv": 0,
        "bias_q": 0,
        "threshold_q": 100,
        "reset": "subtract",
        **changes,
    }
    require_within(IntLIF((1,), **fields), current, current, 10, np.random.default_rng(0))


@settings(max_examples=40)
@given(runs())
def test_no_value_of_a_network_leaves_the_interval(drawn: tuple[Network, Stimulus]) -> None:
    network, given_ = drawn
    for name, found in stepped(network, given_, reference(network, given_)).items():
        current = bounds.current(network.graph, name, network.registers)
        limits = bounds.neurons(network.neurons[name], current, given_.steps)
        for one_step in found:
            assert (current.low <= one_step.current).all()
            assert (one_step.current <= current.high).all()
        if not sum(one_step.done.overflows for one_step in found):
            for one_step in found:
                assert (limits.v.low <= one_step.done.potential).all()
                assert (one_step.done.potential <= limits.v.high).all()


@settings(max_examples=40)
@given(runs())
def test_nobody_sends_more_than_is_carried(drawn: tuple[Network, Stimulus]) -> None:
    network, given_ = drawn
    for name, trace in reference(network, given_).items():
        if network.neurons[name].reset != "none":
            low, high = bounds.carried(network.graph, name, network.registers)
            assert low == 0
            assert trace.spikes.max() <= high


def test_potential_below_its_floor_still_has_to_fit_the_register() -> None:
    op = IntLIF((1,), 4096, 0, 0, 100, "zero", v_min_q=0)
    found = bounds.neurons(op, bounds.Interval(np.array([-9]), np.array([1])), 10)
    assert (found.v.low.tolist(), found.v.high.tolist()) == ([-576], [163])


@given(rngs(), st.integers(-20, 5))
def test_interval_of_sums(draw: np.random.Generator, exponent: int) -> None:
    op = IntDense(draw.integers(-128, 128, (3, 5)), exponent)
    low, high = sorted(draw.integers(-300, 300, 2).tolist())
    found = bounds.sums(op, low, high)
    x = draw.choice([low, high], (200, 5))
    a = shift(x @ op.weight_q.T.astype(np.int64), exponent)
    assert (found.low <= a.min(axis=0)).all()
    assert (a.max(axis=0) <= found.high).all()


def test_interval_of_sums_is_reached() -> None:
    found = bounds.sums(IntDense([[3, -5], [0, 2]], -1), -1, 4)
    assert (found.low.tolist(), found.high.tolist()) == ([-12, -1], [8, 4])
    assert found.magnitude == 12


def test_interval_of_a_convolution_is_one_for_each_channel() -> None:
    op = IntConv(np.array([[[3, -5]], [[0, 2]]]), 1, (1,), (0, 0), (1,))
    found = bounds.sums(op, -1, 4)
    assert (found.low.tolist(), found.high.tolist()) == ([[-46], [-4]], [[34], [16]])


@given(rngs(), st.integers(1, 300))
def test_partial_sums_in_any_order(draw: np.random.Generator, largest: int) -> None:
    op = IntDense(draw.integers(-128, 128, (4, 6)), -3)
    terms = op.weight_q.astype(np.int64) * draw.integers(-largest, largest + 1, 6)
    shuffled = draw.permuted(terms, axis=1)
    assert np.abs(np.cumsum(shuffled, axis=1)).max() <= bounds.partial_sums(op, largest)


def test_many_steps_stop_early() -> None:
    op = IntLIF((2,), 4096, 2048, [10, -10], 640, "subtract")
    current = bounds.sums(IntDense([[3, -2], [1, 1]], 0), 0, 9)
    assert bounds.neurons(op, current, 1 << 20).v.magnitude == bounds.neurons(op, current, 100).v.magnitude


def arriving(*between: Op, high: int = 1, exponent: int = 0) -> bounds.Interval:
    """Bounds of the current of neurons behind a convolution of weights 2 and -3, with `between` in between."""
    conv = IntConv(np.array([[[2]], [[-3]]]), exponent, (1,), (0, 0), (1,))
    ops: dict[str, Op] = {"in": IntInput((1, 2), 1.0, 0, high), "conv": conv}
    ops |= {f"b{i}": op for i, op in enumerate(between)}
    shape = (4,) if any(isinstance(op, Flatten) for op in between) else (2, 2)
    ops |= {"lif": IntLIF(shape, 4096, 0, 5, 64, "zero"), "out": Output()}
    return bounds.current(Graph(ops, pairwise(ops)), "lif", Registers())


def test_current_that_is_flattened_or_late() -> None:
    assert arriving().high.tolist() == [[2], [0]]
    assert arriving(Flatten()).low.tolist() == [0, 0, -3, -3]
    late = arriving(Delay((2, 2), 3, "current"), Flatten())
    assert (late.low.tolist(), late.high.tolist()) == ([0, 0, -3, -3], [2, 2, 0, 0])


def test_endless_intervals_end_beyond_every_register() -> None:
    assert arriving(high=(1 << 31) - 1, exponent=31).magnitude == bounds.BEYOND
    op = IntLIF((1,), 0, 0, 0, 100, "subtract")
    wide = bounds.Interval(np.array([-bounds.BEYOND]), np.array([bounds.BEYOND]))
    found = bounds.neurons(op, wide, 10_000)
    assert found.u.low[0] <= -bounds.BEYOND
    assert found.v.high[0] >= bounds.BEYOND


@pytest.mark.parametrize(
    ("op", "high", "message"),
    [
        (IntDense([[1, 127]], 24), 1 << 14, r"'lif': its synaptic input can reach 35184372088832"),
        (
            IntDense(np.full((1, 1 << 16), 127), -31),
            (1 << 31) - 1,
            r"'fc': its synaptic sums can reach 17873661012803584; .* below 9007199254740992 \(2\^53\)",
        ),
    ],
)
def test_what_is_not_exact(op: IntDense, high: int, message: str) -> None:
    ops = {"in": IntInput(op.weight_q.shape[1:], 1.0, 0, high), "fc": op}
    ops |= {"lif": IntLIF((1,), 0, 0, 0, 1, "zero"), "out": Output()}
    graph = Graph(ops, [("in", "fc"), ("fc", "lif"), ("lif", "out")])
    with pytest.raises(FitError, match=message):
        bounds.require_exact(graph, Registers())


def test_several_spikes_are_as_many_as_the_register_holds() -> None:
    registers = Registers(Register(24, "wrap"), Register(12, "saturate"))
    fields: dict[str, Any] = {"du": 0, "dv": 0, "bias_q": 0, "threshold_q": 100, "reset": "subtract"}
    assert bounds.most_spikes(IntLIF((1,), **fields, max_spikes=9), registers) == 9
    assert bounds.most_spikes(IntLIF((1,), **fields, max_spikes=1000), registers) == 20
    assert bounds.most_spikes(IntLIF((1,), **fields, max_spikes=1000, v_min_q=5000), registers) == 50
    assert bounds.most_spikes(IntLIF((2,), **fields, max_spikes=1000, reset_by_q=[100, 1]), registers) == 1000


@pytest.mark.parametrize("du", [0, 4096])
@pytest.mark.parametrize(
    "changes",
    [
        {"threshold_q": 64 * 4200, "reset": "subtract", "reset_by_q": 1 << 25},
        {"threshold_q": 64 * 4200, "reset": "zero", "initial_q": 100, "bias_q": -1},
        {"reset": "none", "threshold_q": 0, "dv": 1, "initial_q": -(1 << 30)},
        {"reset": "none", "threshold_q": 0, "dv": 1, "initial_q": 1 << 30},
    ],
    ids=["spike", "zero", "rises", "falls"],
)
def test_after_many_steps_what_a_spike_or_a_decay_leaves_is_within(changes: dict[str, Any], du: int) -> None:
    """Where nothing of it happens in the steps that are followed one by one."""
    fields: dict[str, Any] = {"dv": 0, "bias_q": 0, **changes}
    op, a, steps = IntLIF((1,), du, **fields), int(changes["reset"] != "none"), 4400
    found = bounds.neurons(op, bounds.Interval(np.array([0]), np.array([a])), steps)
    registers = Registers(Register(32, "wrap"), Register(32, "wrap"))
    state = State.start(op, (1,))
    for t in range(steps):
        drive = np.full((1, 1), a if du == 4096 or t < 1 else 0)
        before = state
        state = step(op, registers, before, drive).state
        v = decay(before.v, op.dv) + decay(before.u, op.du) + drive * 64 + op.bias_q
        assert (found.v.low <= v).all() and (v <= found.v.high).all()


def test_nothing_is_proven_of_a_potential_beside_a_current_that_overflows() -> None:
    ops: dict[str, Op] = {"in": IntInput((1,), 1.0, 0, 40), "fc": IntDense(np.ones((1, 1)), 0)}
    ops |= {"lif": IntLIF((1,), 4096, 4096, -2300, 1, "zero"), "out": Output()}
    graph = Graph(ops, pairwise(ops))
    u, v = Register(12, "wrap"), Register(12, "saturate")
    wide = Register(13, "wrap")
    assert bounds.checked(graph, "lif", Registers(u, v), 3) == (u, v)
    assert bounds.checked(graph, "lif", Registers(wide, wide), 3) == (None, None)
    assert bounds.checked(graph, "lif", Registers(wide, v), 3) == (None, v)
    assert bounds.checked(graph, "lif", Registers(wide, wide), None) == (wide, wide)


def test_a_short_run_is_followed_step_by_step() -> None:
    """Nothing fires, so nothing is left by a reset that would be large."""
    op = IntLIF((1,), 4096, 0, 0, 1 << 20, "subtract", reset_by_q=1 << 30)
    found = bounds.neurons(op, bounds.Interval(np.array([1]), np.array([1])), 5)
    assert (found.v.low, found.v.high) == (0, 5 * 64)
