r"""Neurons of NIR in discrete time, before their threshold.

In continuous time (nir/ir/neuron.py), for LIF, LI (never fires), and IF, I (no leak):

    tau v' = (v_leak - v) + r I        tau_syn i' = -i + w_in I (CubaLIF, CubaLI; then r i for r I)

A step (see `NirConfig`) with decay a and gain g is v[t] = a v[t-1] + g I[t] + (1 - a) v_leak.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from neurodeploy.frontends.nir.config import Settings
from neurodeploy.frontends.nir.node import FloatArray, Node
from neurodeploy.ir import Shape

Array = npt.NDArray[np.float64]

SAME = 2.0**-21
"""Relative difference up to which numbers that a float32 file yields are taken to be the same."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One leaky integrator: what it keeps of itself and what it takes in, per step."""

    decay: Array
    gain: Array


@dataclass(frozen=True, slots=True)
class Dynamics:
    """A neuron before its threshold; `gain` is that of the membrane times that of the synapse."""

    decay: Array
    current_decay: Array
    gain: Array
    leak_to: Array


def discretize(node: Node, shape: Shape, said: Settings) -> Dynamics:
    """The neurons of a node, with incoming currents of `shape`, in steps as `said`.

    Raises `InputError` for parameters that are not of `shape` or make no sense, `UnsupportedError` for those that have
    no meaning in steps.
    """
    nothing = np.zeros(())
    if node.kind in ("I", "IF"):
        r = parameter(node, "r", shape)
        gain = r * _seconds(node.numbers("r"), said) if said.find("if_convention") == "dt" else r
        return Dynamics(np.ones(()), nothing, _positive(node, "r", _near_one(gain)), nothing)
    spiking = node.kind in ("LIF", "CubaLIF")
    key = "gain" if spiking else "readout_gain"
    tau = "tau" if node.kind in ("LI", "LIF") else "tau_mem"
    membrane = _stage(node, tau, "r", shape, said, key)
    synapse = Stage(nothing, np.ones(()))
    if tau == "tau_mem":
        synapse = _stage(node, "tau_syn", "w_in", shape, said, "synapse_gain")
    gain = _positive(node, "gain", _near_one(membrane.gain * synapse.gain))
    return Dynamics(membrane.decay, synapse.decay, gain, parameter(node, "v_leak", shape))


def parameter(node: Node, field: str, shape: Shape) -> Array:
    """A field that holds one number, or one for each neuron of `shape` (axes of one before them are left out)."""
    array = np.asarray(node.numbers(field), np.float64)
    if array.size == 1:
        return array.reshape(())
    while array.ndim > len(shape) and array.shape[0] == 1:
        array = array[0]
    if array.shape != shape:
        raise node.fail(f"{field} {node.numbers(field).shape} does not belong to its input {shape}")
    return array


def span(values: Array) -> str:
    """The smallest and the largest of some values, as text."""
    low, high = float(np.min(values)), float(np.max(values))
    return f"{low:g}" if low == high else f"{low:g}..{high:g}"


def _stage(node: Node, tau: str, resistance: str, shape: Shape, said: Settings, key: str) -> Stage:
    times = parameter(node, tau, shape)
    if not (times > 0.0).all():
        raise node.fail(f"{tau} must be positive, not {span(times)}")
    decay = _decay(node, tau, times, shape, said)
    r = parameter(node, resistance, shape) if resistance in node else np.ones(())
    rule = said.find(key) or "leak"
    if rule != "leak" and key == "synapse_gain" and (r != 1.0).any():
        raise node.refuse(
            f"w_in is {span(r)}, but synapse_gain={rule} does not use it; say --set nir.synapse_gain=leak"
        )
    if rule != "leak":
        return Stage(decay, decay if rule == "decay" else np.ones(()))
    endless = np.isinf(times)
    if (endless & np.isfinite(r)).any():
        raise node.refuse(f"{tau} is infinite and {resistance} is not: nothing would ever come in")
    with np.errstate(invalid="ignore"):
        return Stage(decay, np.where(endless, 1.0, (1.0 - decay) * r))


def _decay(node: Node, tau: str, times: Array, shape: Shape, said: Settings) -> Array:
    steps = (
        _steps_in_r(node, tau, shape) if said.find("dt") == "r" else _steps(node.numbers(tau), times, said)
    )
    if said.find("integration") == "exp":
        decay = np.exp(-steps)
    else:
        if (steps > 1.0 + SAME).any():
            raise node.refuse(
                f"{tau} {span(times)} is shorter than dt {said.find('dt')}, so that its decay is negative; "
                "say another --set nir.dt=SECONDS, or --set nir.integration=exp"
            )
        decay = np.clip(1.0 - steps, 0.0, 1.0)
    return decay if node.numbers(tau).dtype == np.float64 else _as_exported(decay, steps)


def _steps(like: FloatArray, times: Array, said: Settings) -> Array:
    """x = dt / tau, from the numbers as the file holds them: dt is rounded like tau, so that exact ratios are exact."""
    dt = _seconds(like, said)
    return dt / times * (dt if said.find("time_unit") == "seconds-times-dt" else 1.0)


def _seconds(like: FloatArray, said: Settings) -> float:
    dt = said.find("dt")
    return float(dt) if like.dtype == np.float64 else float(np.float32(dt))


def _steps_in_r(node: Node, tau: str, shape: Shape) -> Array:
    """dt / tau from r = exp(-x) / x with x = dt / tau_mem, by Newton's method on log(x) + x + log(r)."""
    own = "tau" if "tau" in node else "tau_mem"
    r = parameter(node, "r", shape)
    if not (np.isfinite(r) & (r > 0.0)).all():
        raise node.refuse(f"r is {span(r)}, from which no dt follows; say --set nir.dt=SECONDS")
    x = 1.0 / (1.0 + r)
    for _ in range(60):
        x = np.maximum(x - (np.log(x) + x + np.log(r)) / (1.0 / x + 1.0), x / 2)
    return x * parameter(node, own, shape) / parameter(node, tau, shape)


def _as_exported(decay: Array, steps: Array) -> Array:
    """The decay rounded to float32 where that is as likely, given how exact dt / tau of a float32 file is."""
    rounded = decay.astype(np.float32).astype(np.float64)
    return np.where(np.abs(rounded - decay) <= np.minimum(steps, 1.0) * 2.0**-22, rounded, decay)


def _near_one(gain: Array) -> Array:
    """One where it is one but for rounding: r = tau / dt in float32."""
    return np.where(np.abs(gain - 1.0) <= SAME, 1.0, gain)


def _positive(node: Node, what: str, gain: Array) -> Array:
    if not (np.isfinite(gain) & (gain > 0.0)).all():
        raise node.refuse(
            f"{what} gives what comes in a factor of {span(gain)}; it must be positive and finite"
        )
    return gain
