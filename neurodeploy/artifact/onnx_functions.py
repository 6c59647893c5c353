"""The local ONNX functions of domain `neurodeploy`: the integer machine in standard operators, on int64.

Integer Div of ONNX truncates toward zero, which is what decay needs; floor comes from Mod, which takes the
sign of the divisor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper, numpy_helper

from neurodeploy.ir import DECAY_ONE, IntDense, IntLIF
from neurodeploy.semantics import CURRENT_SHIFT, Register, Registers

DOMAIN = "neurodeploy"
OPSET = 21
IMPORTS = [helper.make_opsetid("", OPSET)]


@dataclass(frozen=True, slots=True)
class Function:
    """A local function and its name."""

    name: str
    proto: onnx.FunctionProto


class _Body:
    """Nodes of a function body; every method returns the name of its result."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []

    def constant(self, attribute: str) -> str:
        """The int64 scalar that the function's caller gives as `attribute`."""
        node = helper.make_node("Constant", [], [f"{attribute}_"])
        node.attribute.add(name="value_int", type=onnx.AttributeProto.INT, ref_attr_name=attribute)
        self.nodes.append(node)
        return f"{attribute}_"

    def literal(self, value: int) -> str:
        name = f"int_{value}".replace("-", "minus_")
        if all(name not in node.output for node in self.nodes):
            tensor = numpy_helper.from_array(np.array(value, np.int64))
            self.nodes.append(helper.make_node("Constant", [], [name], value=tensor))
        return name

    def op(self, kind: str, *inputs: str, to: int | None = None, result: str = "") -> str:
        output = result or f"t{len(self.nodes)}"
        node = helper.make_node(kind, list(inputs), [output])
        if to is not None:
            node.attribute.append(helper.make_attribute("to", to))
        self.nodes.append(node)
        return output

    def hold(self, register: Register, x: str) -> str:
        """What the register holds after x is written to it."""
        if register.overflow == "saturate":
            # Not Clip, Min or Max: ONNX Runtime 1.31 computes them wrongly for int64 beyond 32 bits.
            low, high = self.literal(register.low), self.literal(register.high)
            topped = self.op("Where", self.op("Greater", x, high), high, x)
            return self.op("Where", self.op("Less", topped, low), low, topped)
        wrapped = self.op(
            "Mod", self.op("Sub", x, self.literal(register.low)), self.literal(1 << register.bits)
        )
        return self.op("Add", wrapped, self.literal(register.low))

    def decay(self, x: str, keep: str) -> str:
        """Toward zero: x * keep / 4096."""
        return self.op("Div", self.op("Mul", x, keep), self.literal(DECAY_ONE))


def dense_function(op: IntDense, accumulate: int) -> Function:
    """`IntDense(x, weight; factor) -> a`: weight `(in, out)` in float type `accumulate`, exact by the sum's bound.

    The shift is a multiplication by `factor`, or for a negative exponent a floor division by it.
    """
    body = _Body()
    sums = body.op("MatMul", body.op("Cast", "x", to=accumulate), "weight")
    whole = body.op("Cast", sums, to=onnx.TensorProto.INT64, result="" if op.exponent else "a")
    if op.exponent < 0:
        factor = body.constant("factor")
        body.op("Div", body.op("Sub", whole, body.op("Mod", whole, factor)), factor, result="a")
    elif op.exponent > 0:
        body.op("Mul", whole, body.constant("factor"), result="a")
    direction = "Right" if op.exponent < 0 else "Left" if op.exponent > 0 else ""
    width = "" if accumulate == onnx.TensorProto.FLOAT else "Wide"
    return _function(
        f"IntDense{direction}{width}", ["x", "weight"], ["a"], body, ["factor"] if op.exponent else []
    )


def neuron_function(op: IntLIF, registers: Registers) -> Function:
    """`IntLIF(a, v, [u,] bias; ...) -> s, v_next, [u_next]`: the equation of `neurodeploy.ir.IntLIF`.

    u is a state only where du < 4096; otherwise the current has no memory.
    """
    body, remembers = _Body(), op.du < DECAY_ONE
    drive = body.op("Mul", "a", body.literal(1 << CURRENT_SHIFT))
    if remembers:
        drive = body.op("Add", body.decay("u", body.constant("keep_u")), drive)
    u = body.hold(registers.u, drive)
    v = body.op("Add", body.op("Add", body.decay("v", body.constant("keep_v")), u), "bias")
    if op.reset == "none":
        v = body.op("Identity", body.hold(registers.v, v), result="v_next")
        body.op("Mul", v, body.literal(0), result="s")
    else:
        v = body.hold(registers.v, v)
        fired = body.op("GreaterOrEqual", v, body.constant("fire_at"))
        body.op("Cast", fired, to=onnx.TensorProto.INT64, result="s")
        if op.reset == "subtract":
            body.op("Sub", v, body.op("Mul", "s", body.constant("threshold")), result="v_next")
        else:
            body.op("Where", fired, body.literal(0), v, result="v_next")
    if remembers:
        kept = body.op("Where", fired, body.literal(0), u) if op.clear_current and op.reset != "none" else u
        body.op("Identity", kept, result="u_next")
    states = ["u"] if remembers else []
    return _function(
        _neuron_name(op),
        ["a", "v", *states, "bias"],
        ["s", "v_next", *(f"{s}_next" for s in states)],
        body,
        list(neuron_attributes(op)),
    )


def neuron_attributes(op: IntLIF) -> dict[str, int]:
    """The attributes of a call of `neuron_function(op)`."""
    attributes = {"keep_v": DECAY_ONE - op.dv}
    if op.du < DECAY_ONE:
        attributes["keep_u"] = DECAY_ONE - op.du
    if op.reset != "none":
        attributes["fire_at"] = op.fire_at
    if op.reset == "subtract":
        attributes["threshold"] = op.threshold_q
    return attributes


def _neuron_name(op: IntLIF) -> str:
    if op.reset == "none":
        return "IntReadout" + ("Current" if op.du < DECAY_ONE else "")
    parts = ("Current" if op.du < DECAY_ONE else "", "HardReset" if op.reset == "zero" else "")
    clears = "ClearCurrent" if op.clear_current and op.du < DECAY_ONE else ""
    return "IntLIF" + "".join(parts) + clears


def _function(
    name: str, inputs: list[str], outputs: list[str], body: _Body, attributes: list[str]
) -> Function:
    proto = helper.make_function(DOMAIN, name, inputs, outputs, body.nodes, IMPORTS, attributes)
    return Function(name, proto)
