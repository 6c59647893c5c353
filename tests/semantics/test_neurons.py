from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurodeploy.ir import Graph, IntDense, IntInput, IntLIF, Output
from neurodeploy.semantics import Register, Registers, State, step
from neurodeploy.semantics.reference import run_sample
from tests.nets import REGISTERS, int_neurons

CURRENT = st.integers(-(1 << 20), 1 << 20) | st.sampled_from([0, 1, -1, 131071, -131072, 131072])


def by_reference(op: IntLIF, registers: Registers, currents: list[int]) -> tuple[list[int], list[int]]:
    """One neuron driven through a synapse of weight 1."""
    ops = {"in": IntInput((1,), 1.0, 0, 1), "fc": IntDense([[1]], 0), "lif": op, "out": Output()}
    graph = Graph(ops, [("in", "fc"), ("fc", "lif"), ("lif", "out")])
    trace = run_sample(graph, registers, [[a] for a in currents])
    return [s for (s,) in trace.spikes["lif"]], [v for (v,) in trace.membrane["lif"]]


def by_step(op: IntLIF, registers: Registers, currents: list[int]) -> tuple[list[int], list[int]]:
    state, spikes, membrane = State.zeros((1,)), [], []
    for a in currents:
        done = step(op, registers, state, np.array([a], np.int64))
        state = done.state
        spikes.append(int(done.spikes[0]))
        membrane.append(int(state.v[0]))
    return spikes, membrane


@given(int_neurons(1) | int_neurons(1, readout=True), REGISTERS, st.lists(CURRENT, min_size=1, max_size=12))
def test_numpy_equals_plain_python(op: IntLIF, registers: Registers, currents: list[int]) -> None:
    assert by_step(op, registers, currents) == by_reference(op, registers, currents)


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
    fields: dict[str, Any] = {"du": 4096, "dv": 0, "bias_q": [0], "threshold_q": 640, "reset": "subtract"}
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
    ],
)
def test_by_hand(changes: dict[str, Any], spikes: list[int], membrane: list[int]) -> None:
    assert by_step(lif(**changes), Registers(), [6, 6, 6]) == (spikes, membrane)
    assert by_reference(lif(**changes), Registers(), [6, 6, 6]) == (spikes, membrane)


def test_counts_what_does_not_fit() -> None:
    op, registers = (
        lif(dv=0, reset="none", threshold_q=0),
        Registers(Register(8, "wrap"), Register(8, "saturate")),
    )
    done = step(op, registers, State.zeros((3, 1)), np.array([[1], [2], [-2]]))
    assert done.overflows == 1 + 2
    assert done.state.u.ravel().tolist() == [64, -128, -128]
    assert done.state.v.ravel().tolist() == [64, -127, -127]
    assert step(op, registers, done.state, np.array([[1], [-1], [0]])).overflows == 2


def test_potential_is_before_the_reset() -> None:
    done = step(lif(), Registers(), State.zeros((1,)), np.array([11]))
    assert (done.spikes.tolist(), done.potential.tolist(), done.state.v.tolist()) == ([1], [704], [64])
