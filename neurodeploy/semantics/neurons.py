"""One time step of integer neurons: the reference for every back end, vectorised with numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from neurodeploy.ir.ops import IntLIF
from neurodeploy.semantics.fixed_point import CURRENT_SHIFT, Int64Array, Register, decay


@dataclass(frozen=True, slots=True)
class Registers:
    """The target's state registers of a neuron."""

    u: Register = Register(24, "wrap")
    v: Register = Register(24, "saturate")


@dataclass(frozen=True, slots=True)
class State:
    """Current u and membrane potential v at the end of a step, and steps to wait after a spike.

    int64, shape `(..., *shape)`; `waiting` is None for neurons without refractory time.
    """

    u: Int64Array
    v: Int64Array
    waiting: Int64Array | None = None

    @staticmethod
    def start(op: IntLIF, lead: tuple[int, ...] = ()) -> State:
        """The reset state, in which every sample starts; `lead` are the axes before the neurons'."""
        shape = (*lead, *op.shape)
        v = np.broadcast_to(op.initial_q, shape).copy()
        return State(np.zeros(shape, np.int64), v, np.zeros(shape, np.int64) if op.refractory else None)


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of neurons yields.

    `spikes` int64, 0/1 or counts; `potential` is v as it was compared with the threshold (before the reset);
    `overflows` counts values of u and v that their registers could not hold.
    """

    spikes: Int64Array
    potential: Int64Array
    state: State
    overflows: int


def step(op: IntLIF, registers: Registers, state: State, current: Int64Array) -> Step:
    """Advance neurons by one step; the equation is in `IntLIF`. `current` is a[t], int64 `(..., *shape)`."""
    u_raw = decay(state.u, op.du) + (current << CURRENT_SHIFT)
    u = registers.u.hold(u_raw)
    v_raw = decay(state.v, op.dv) + u + op.bias_q
    v = registers.v.hold(v_raw)
    written = v_raw if state.waiting is None else np.where(state.waiting > 0, 0, v_raw)
    overflows = registers.u.overflows(u_raw) + registers.v.overflows(written)
    if op.v_min_q is not None:
        v = np.maximum(v, op.v_min_q)
    if op.reset == "none":
        return Step(np.zeros_like(v), v, State(u, v), overflows)
    if state.waiting is not None:
        v = np.where(state.waiting > 0, state.v, v)
    spikes = _spikes(op, v, state.waiting)
    fired = spikes > 0
    after = v - spikes * op.subtracts_q if op.reset == "subtract" else np.where(fired, 0, v)
    kept = np.where(fired, 0, u) if op.clear_current else u
    return Step(spikes, v, State(kept, after, _waiting(op, state.waiting, fired)), overflows)


def _spikes(op: IntLIF, v: Int64Array, waiting: Int64Array | None) -> Int64Array:
    fires = v >= op.fire_at
    if waiting is not None:
        fires = fires & (waiting == 0)
    if op.max_spikes == 1:
        return fires.astype(np.int64)
    count = np.minimum((v - op.fire_at) // op.subtracts_q + 1, op.max_spikes)
    return np.where(fires, count, 0)


def _waiting(op: IntLIF, waiting: Int64Array | None, fired: npt.NDArray[np.bool_]) -> Int64Array | None:
    if waiting is None:
        return None
    return np.where(fired, op.refractory, np.maximum(waiting - 1, 0))
