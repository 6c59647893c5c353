"""Neurons of the float graph as nodes of NIR, in the portable dialect.

snnTorch, SpikingJelly and Norse all read a LIF with tau = dt / (1 - a), r = 1 and v_threshold = (1 - a) th as the same
discrete neuron: v[t] = a v[t-1] + I[t], which fires above th and then is 0 (their potential is (1 - a) v). With a
synaptic current j[t] = c j[t-1] + I[t] for I it is a CubaLIF with tau_mem = dt / (1 - a), r = tau_mem / dt,
tau_syn = dt / (1 - c), w_in = tau_syn / dt; without leak an IF with r = 1 / dt. All parameters are float32 arrays of
the neurons' shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.frontends.hdf5 import Group, Value
from neurodeploy.ir import LIF, Readout
from neurodeploy.network import Note

Array = npt.NDArray[np.float64]

LEAST_LEAK = 2.0**-30
"""Leak per step where a neuron has none, but its node must have one; in float32, 1 - this is 1."""


def spiking_node(name: str, op: LIF, dt: float, notes: list[Note]) -> Group:
    """An IF, LIF or CubaLIF node."""
    leak, plain = 1.0 - op.decay, not op.current_decay.any()
    if plain and not leak.any() and not op.bias.any():
        return _node("IF", op, r=1.0 / dt, v_threshold=op.threshold, v_reset=0.0)
    if op.bias.any():
        notes.append(Note(name, "its bias is v_leak, which snnTorch and SpikingJelly do not read"))
    leak = _some(name, leak, notes)
    tau = dt / leak
    if plain:
        return _node("LIF", op, tau=tau, r=1.0, v_leak=op.bias, v_threshold=leak * op.threshold, v_reset=0.0)
    reset = {"v_threshold": op.threshold, "v_reset": 0.0}
    return _node(
        "CubaLIF",
        op,
        tau_mem=tau,
        **_synapse(name, op, dt, notes),
        r=1.0 / leak,
        v_leak=op.bias / leak,
        **reset,
    )


def silent_node(name: str, op: Readout, dt: float, notes: list[Note]) -> Group:
    """An I, LI or CubaLI node with the potentials of `op`: r = tau / dt."""
    leak, plain = 1.0 - op.decay, not op.current_decay.any()
    if plain and not leak.any() and not op.bias.any():
        return _node("I", op, r=1.0 / dt)
    leak = _some(name, leak, notes)
    membrane = {"r": 1.0 / leak, "v_leak": op.bias / leak}
    if plain:
        return _node("LI", op, tau=dt / leak, **membrane)
    return _node("CubaLI", op, tau_mem=dt / leak, **_synapse(name, op, dt, notes), **membrane)


def _synapse(name: str, op: LIF | Readout, dt: float, notes: list[Note]) -> dict[str, Array]:
    leak = _some(name, 1.0 - op.current_decay, notes)
    return {"tau_syn": dt / leak, "w_in": 1.0 / leak}


def _some(name: str, leak: Array, notes: list[Note]) -> Array:
    """The leak, of which no neuron has none: a time constant must be finite."""
    if leak.all():
        return leak
    notes.append(Note(name, "a decay of 1 is written as 1 - 2^-30, because a time constant must be finite"))
    return np.maximum(leak, LEAST_LEAK)


def unsaid(op: LIF) -> list[str]:
    """What a NIR node cannot say of these neurons."""
    parts = {
        "reset by subtraction": op.reset == "subtract",
        f"up to {op.max_spikes} spikes a step": op.max_spikes > 1,
        f"{op.refractory} refractory steps": op.refractory > 0,
        "a least potential (v_min)": op.v_min is not None,
        "that the current is cleared by a spike": op.clear_current,
        "an initial potential": bool(op.initial.any()),
    }
    return [what for what, there in parts.items() if there]


def _node(kind: str, op: LIF | Readout, **fields: Any) -> Group:
    values: dict[str, Value] = {"type": kind}
    for field, value in fields.items():
        values[field] = np.broadcast_to(np.asarray(value, np.float64), op.shape).astype(np.float32)
    return Group(values)
