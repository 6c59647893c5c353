from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurodeploy.ir import Graph, IntDense, IntInput, IntLIF, Output
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import Register, Registers, State, Step, step
from neurodeploy.semantics.reference import run_sample
from tests.nets import REGISTERS, int_neurons, reference, runs, stepped

CURRENT = st.integers(-(1 << 20), 1 << 20) | st.sampled_from([0, 1, -1, 131071, -131072, 131072])


def by_reference(op: IntLIF, registers: Registers, currents: list[int]) -> tuple[list[int], list[int]]:
    """One neuron driven through a synapse of weight 1."""
    ops = {"in": IntInput((1,), 1.0, 0, 1), "fc": IntDense([[1]], 0), "lif": op, "out": Output()}
    graph = Graph(ops, [("in", "fc"), ("fc", "lif"), ("lif", "out")])
    trace = run_sample(graph, registers, [[a] for a in currents])
    return [s for (s,) in trace.spikes["lif"]], [v for (v,) in trace.membrane["lif"]]


def by_step(op: IntLIF, registers: Registers, currents: list[int]) -> tuple[list[int], list[int]]:
    state, spikes, membrane = State.start(op), [], []
    for a in currents:
        done = step(op, registers, state, np.array([a], np.int64))
        state = done.state
        spikes.append(int(done.spikes[0]))
        membrane.append(int(state.v[0]))
    return spikes, membrane


@settings(max_examples=120)
@given(int_neurons(1) | int_neurons(1, readout=True), REGISTERS, st.lists(CURRENT, min_size=1, max_size=12))
def test_numpy_equals_plain_python(op: IntLIF, registers: Registers, currents: list[int]) -> None:
    assert by_step(op, registers, currents) == by_reference(op, registers, currents)


@settings(max_examples=25)
@given(runs())
def test_every_layer_of_a_network_equals_plain_python(drawn: tuple[Network, Stimulus]) -> None:
    network, given_ = drawn
    traces = reference(network, given_)
    for name, found in stepped(network, given_, traces).items():
        for t, one in enumerate(found):
            np.testing.assert_array_equal(one.done.spikes, traces[name].spikes[t])
            np.testing.assert_array_equal(one.done.state.v, traces[name].membrane[t])


@pytest.mark.parametrize("du", [0, 1, 4095, 4096])
@pytest.mark.parametrize("dv", [0, 1, 4095, 4096])
@pytest.mark.parametrize("u_overflow", ["wrap", "saturate"])
@pytest.mark.parametrize("v_overflow", ["wrap", "saturate"])
def test_ends_of_registers(du: int, dv: int, u_overflow: Any, v_overflow: Any) -> None:
    registers = Registers(Register(24, u_overflow), Register(24, v_overflow))
    currents = [131071, 131071, 131072, -131072, -131073, -131072, 5, -(1 << 20), 1 << 20, 0, 131071]
    for reset, threshold in (("subtract", 8388607), ("zero", 8388606), ("none", 0)):
        for clear in (False, True):
            op = IntLIF((1,), du, dv, [63], threshold, reset, "ge", clear)  # type: ignore[arg-type]
            assert by_step(op, registers, currents) == by_reference(op, registers, currents)


def lif(**changes: Any) -> IntLIF:
    fields: dict[str, Any] = {"du": 4096, "dv": 0, "bias_q": 0, "threshold_q": 640, "reset": "subtract"}
    return IntLIF((1,), **{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "spikes", "membrane"),
    [
        ({}, [0, 1, 0], [384, 128, 512]),
        ({"reset": "zero"}, [0, 1, 0], [384, 0, 384]),
        ({"reset": "none", "threshold_q": 0}, [0, 0, 0], [384, 768, 1152]),
        ({"threshold_q": 384}, [1, 1, 1], [0, 0, 0]),
        ({"threshold_q": 384, "compare": "gt"}, [0, 1, 1], [384, 384, 384]),
        ({"dv": 2048}, [0, 0, 1], [384, 576, 32]),
        ({"dv": 4096}, [0, 0, 0], [384, 384, 384]),
        ({"bias_q": [256]}, [1, 1, 1], [0, 0, 0]),
        ({"du": 0}, [0, 1, 1], [384, 512, 1024]),
        ({"du": 0, "clear_current": True}, [0, 1, 1], [384, 512, 256]),
        ({"initial_q": 256}, [1, 0, 1], [0, 384, 128]),
        ({"initial_q": -300}, [0, 0, 1], [84, 468, 212]),
        ({"reset_by_q": 700}, [0, 1, 0], [384, 68, 452]),
        ({"reset_by_q": 1000}, [0, 1, 0], [384, -232, 152]),
        ({"reset_by_q": 1000, "v_min_q": 0}, [0, 1, 0], [384, -232, 152]),
        ({"bias_q": -500, "v_min_q": -150}, [0, 0, 0], [-116, -150, -150]),
        ({"v_min_q": 640}, [1, 1, 1], [0, 0, 0]),
        ({"threshold_q": 100, "max_spikes": 3}, [3, 3, 3], [84, 168, 252]),
        ({"threshold_q": 100, "max_spikes": 9}, [3, 4, 4], [84, 68, 52]),
        ({"threshold_q": 128, "max_spikes": 9}, [3, 3, 3], [0, 0, 0]),
        ({"threshold_q": 128, "max_spikes": 9, "compare": "gt"}, [2, 3, 3], [128, 128, 128]),
        ({"threshold_q": 300, "max_spikes": 9, "reset_by_q": 50}, [2, 8, 8], [284, 268, 252]),
        ({"threshold_q": 384, "refractory": 1}, [1, 0, 1], [0, 0, 0]),
        ({"threshold_q": 300, "refractory": 2}, [1, 0, 0], [84, 84, 84]),
        ({"threshold_q": 384, "refractory": 1, "du": 0}, [1, 0, 1], [0, 0, 768]),
        ({"threshold_q": 384, "refractory": 1, "du": 0, "clear_current": True}, [1, 0, 1], [0, 0, 384]),
    ],
    ids=str,
)
def test_by_hand(changes: dict[str, Any], spikes: list[int], membrane: list[int]) -> None:
    assert by_step(lif(**changes), Registers(), [6, 6, 6]) == (spikes, membrane)
    assert by_reference(lif(**changes), Registers(), [6, 6, 6]) == (spikes, membrane)


def stepped_once(op: IntLIF, registers: Registers, *currents: int) -> Step:
    """Neurons side by side, from the reset state."""
    return step(op, registers, State.start(op, (len(currents),)), np.array(currents).reshape(-1, 1))


def test_counts_what_does_not_fit() -> None:
    op = lif(reset="none", threshold_q=0)
    registers = Registers(Register(8, "wrap"), Register(8, "saturate"))
    done = stepped_once(op, registers, 1, 2, -2)
    assert done.overflows == 1 + 2
    assert done.state.u.ravel().tolist() == [64, -128, -128]
    assert done.state.v.ravel().tolist() == [64, -127, -127]
    assert step(op, registers, done.state, np.array([[1], [-1], [0]])).overflows == 2


def test_a_resting_neuron_writes_no_potential_that_could_overflow() -> None:
    op, registers = (
        lif(threshold_q=64, refractory=1),
        Registers(Register(24, "wrap"), Register(8, "saturate")),
    )
    fired = stepped_once(op, registers, 1)
    resting = step(op, registers, fired.state, np.array([[9]]))
    assert (fired.spikes.tolist(), resting.overflows, resting.potential.tolist()) == ([[1]], 0, [[0]])
    assert step(op, registers, resting.state, np.array([[9]])).overflows == 1


def test_potential_is_before_the_reset() -> None:
    done = stepped_once(lif(), Registers(), 11)
    assert (done.spikes.item(), done.potential.item(), done.state.v.item()) == (1, 704, 64)


def test_each_neuron_has_its_own_parameters() -> None:
    op = IntLIF((2, 2), 4096, [[0, 4096]], [[1], [2]], [[64, 128], [192, 64]], "zero", initial_q=[[0], [64]])
    done = step(op, Registers(), State.start(op, (1,)), np.full((1, 2, 2), 1))
    assert done.potential.tolist() == [[[65, 65], [130, 66]]]
    assert done.spikes.tolist() == [[[1, 0], [0, 1]]]
