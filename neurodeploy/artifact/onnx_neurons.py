"""Neurons as local ONNX functions, on int64: the equations of `neurodeploy.ir.IntLIF` in standard operators."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto

from neurodeploy.artifact.onnx_functions import Body, Function
from neurodeploy.ir import DECAY_ONE, IntLIF
from neurodeploy.semantics import CURRENT_SHIFT, Register, Registers


def states(op: IntLIF) -> list[str]:
    """What is kept from step to step: v, u where the current has a memory, the steps that a neuron still rests."""
    return ["v"] + ["u"] * op.remembers_current + ["waiting"] * bool(op.refractory)


def results(op: IntLIF) -> list[str]:
    """What a call returns: spikes, but for a readout, then the states at the end of the step."""
    return ["s"] * (op.reset != "none") + [f"{state}_next" for state in states(op)]


def parameters(op: IntLIF) -> dict[str, Any]:
    """The parameters that a call gives, by name of the field: integers as attributes, arrays as inputs."""
    used = {"dv": op.dv, "bias_q": op.bias_q}
    if op.remembers_current:
        used["du"] = op.du
    if op.v_min_q is not None:
        used["v_min_q"] = op.v_min_q
    if op.reset != "none":
        used["threshold_q"] = op.threshold_q
    if op.reset == "subtract" and op.reset_by_q is not None:
        used["reset_by_q"] = op.reset_by_q
    if op.max_spikes > 1:
        used["max_spikes"] = op.max_spikes
    if op.refractory:
        used["refractory"] = op.refractory
    return {name: value if np.ndim(value) else int(value) for name, value in used.items()}


def arrays(op: IntLIF) -> list[str]:
    """Fields that differ between neurons, in the order of the function's inputs."""
    return [name for name, value in parameters(op).items() if not isinstance(value, int)]


def neuron_function(op: IntLIF, registers: Registers) -> Function:
    """`IntLIF(a, v[, u][, waiting], arrays...; numbers...) -> [s, ]v_next[, u_next][, waiting_next]`.

    A name stands for one set of equations: which features there are and which parameters are arrays.
    """
    equations = _Equations(op, registers)
    equations.write()
    inputs = ["a", *states(op), *arrays(op)]
    numbers = {name: value for name, value in parameters(op).items() if isinstance(value, int)}
    return equations.body.function(_name(op), inputs, results(op), numbers, _doc(op))


class _Equations:
    """Writes the body of one kind of neurons."""

    def __init__(self, op: IntLIF, registers: Registers) -> None:
        self.body = Body()
        self._op, self._registers, self._arrays = op, registers, arrays(op)

    def write(self) -> None:
        """u, v, spikes, reset."""
        op, body = self._op, self.body
        u = body.op("Mul", "a", body.literal(1 << CURRENT_SHIFT))
        if op.remembers_current:
            u = body.op("Add", self._decay("u", "du"), u)
        u = self._hold(self._registers.u, u)
        v = body.op("Add", body.op("Add", self._decay("v", "dv"), u), self._parameter("bias_q"))
        v = self._hold(self._registers.v, v)
        if op.v_min_q is not None:
            v = self._where("Less", v, self._parameter("v_min_q"))
        if op.reset == "none":
            body.op("Identity", v, result="v_next")
        else:
            u = self._fire(u, v)
        if op.remembers_current:
            body.op("Identity", u, result="u_next")

    def _fire(self, u: str, v: str) -> str:
        """s, v_next and waiting_next; returns u after the spikes."""
        op, body = self._op, self.body
        resting = body.op("Greater", "waiting", body.literal(0)) if op.refractory else ""
        if resting:
            v = body.op("Where", resting, "v", v)
        fires = body.op(
            "Greater" if op.compare == "gt" else "GreaterOrEqual", v, self._parameter("threshold_q")
        )
        if resting:
            fires = body.op("And", fires, body.op("Not", resting))
        self._count(v, fires)
        if op.reset == "subtract":
            body.op("Sub", v, body.op("Mul", "s", self._subtracts()), result="v_next")
        else:
            body.op("Where", fires, body.literal(0), v, result="v_next")
        if resting:
            left = body.op("Where", resting, body.op("Sub", "waiting", body.literal(1)), "waiting")
            body.op("Where", fires, self._parameter("refractory"), left, result="waiting_next")
        return body.op("Where", fires, body.literal(0), u) if _clears(op) else u

    def _count(self, v: str, fires: str) -> None:
        """s = how often reset_by_q fits, at most max_spikes; Div truncates, and v - fire_at is not negative."""
        op, body = self._op, self.body
        if op.max_spikes == 1:
            body.op("Cast", fires, to=TensorProto.INT64, result="s")
            return
        fire_at = self._parameter("threshold_q")
        if op.compare == "gt":
            fire_at = body.op("Add", fire_at, body.literal(1))
        fitting = body.op("Div", body.op("Sub", v, fire_at), self._subtracts())
        count = self._where(
            "Greater", body.op("Add", fitting, body.literal(1)), self._parameter("max_spikes")
        )
        body.op("Where", fires, count, body.literal(0), result="s")

    def _subtracts(self) -> str:
        return self._parameter("threshold_q" if self._op.reset_by_q is None else "reset_by_q")

    def _parameter(self, name: str) -> str:
        return name if name in self._arrays else self.body.attribute(name)

    def _decay(self, x: str, d: str) -> str:
        """Toward zero: x * (4096 - d) / 4096."""
        keep = self.body.op("Sub", self.body.literal(DECAY_ONE), self._parameter(d))
        return self.body.op("Div", self.body.op("Mul", x, keep), self.body.literal(DECAY_ONE))

    def _where(self, comparison: str, x: str, end: str) -> str:
        """`end` where x is beyond it. ONNX Runtime 1.31 computes int64 Clip, Min and Max wrongly beyond 32 bits."""
        return self.body.op("Where", self.body.op(comparison, x, end), end, x)

    def _hold(self, register: Register, x: str) -> str:
        """What the register holds after x is written to it."""
        body = self.body
        low, high = body.literal(register.low), body.literal(register.high)
        if register.overflow == "saturate":
            return self._where("Less", self._where("Greater", x, high), low)
        wrapped = body.op("Mod", body.op("Sub", x, low), body.literal(1 << register.bits))
        return body.op("Add", wrapped, low)


def _clears(op: IntLIF) -> bool:
    return op.clear_current and op.remembers_current


def _name(op: IntLIF) -> str:
    features = {
        "Current": op.remembers_current,
        "HardReset": op.reset == "zero",
        "Above": op.reset != "none" and op.compare == "gt",
        "ResetBy": "reset_by_q" in parameters(op),
        "ClearCurrent": _clears(op) and op.reset != "none",
        "Floor": op.v_min_q is not None,
        "Counts": op.max_spikes > 1,
        "Refractory": bool(op.refractory),
    }
    kind = "IntReadout" if op.reset == "none" else "IntLIF"
    each = "".join(f"_{name}" for name in arrays(op))
    return kind + "".join(name for name, has in features.items() if has) + (f"_each{each}" if each else "")


def _doc(op: IntLIF) -> str:
    current = "decay(u, du) + (a << 6)" if op.remembers_current else "a << 6"
    return f"u = {current}; v = decay(v, dv) + u + bias_q; held in the target's registers"
