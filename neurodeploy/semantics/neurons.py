"""One time step of integer neurons: the reference for every back end, vectorised with numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurodeploy.ir.ops import IntLIF
from neurodeploy.semantics.fixed_point import CURRENT_SHIFT, Int64Array, Register, decay


@dataclass(frozen=True, slots=True)
class Registers:
    """The target's state registers of a neuron."""

    u: Register = Register(24, "wrap")
    v: Register = Register(24, "saturate")


@dataclass(frozen=True, slots=True)
class State:
    """Current u and membrane potential v at the end of a step; int64, shape `(..., n)`."""

    u: Int64Array
    v: Int64Array

    @staticmethod
    def zeros(shape: tuple[int, ...]) -> State:
        """The reset state, in which every sample starts."""
        return State(np.zeros(shape, np.int64), np.zeros(shape, np.int64))


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of neurons yields.

    `spikes` int64 0/1; `potential` is v as it was compared with the threshold (before the reset);
    `overflows` counts values of u and v that their registers could not hold.
    """

    spikes: Int64Array
    potential: Int64Array
    state: State
    overflows: int


def step(op: IntLIF, registers: Registers, state: State, current: Int64Array) -> Step:
    """Advance neurons by one step; the equation is in `IntLIF`. `current` is a[t], int64 `(..., n)`."""
    u_raw = decay(state.u, op.du) + (current << CURRENT_SHIFT)
    u = registers.u.hold(u_raw)
    v_raw = decay(state.v, op.dv) + u + op.bias_q
    v = registers.v.hold(v_raw)
    overflows = registers.u.overflows(u_raw) + registers.v.overflows(v_raw)
    if op.reset == "none":
        return Step(np.zeros_like(v), v, State(u, v), overflows)
    spikes = (v >= op.fire_at).astype(np.int64)
    after = v - spikes * op.threshold_q if op.reset == "subtract" else v * (1 - spikes)
    return Step(spikes, v, State(u * (1 - spikes) if op.clear_current else u, after), overflows)
