"""Synapses as local ONNX functions: exact sums in float32 or float64, then the shift on int64.

ONNX has no convolution of wide integers, and ONNX Runtime none of float64. Where the sums of a convolution may
reach 2^24, its input is cut into digits of a base for which they do not, and the sums of the digits are put
together on int64. Integer Div of ONNX truncates toward zero; floor comes from Mod, which takes the divisor's sign.
"""

from __future__ import annotations

from typing import Any

from onnx import TensorProto

from neurodeploy.artifact.onnx_functions import Body, Function
from neurodeploy.errors import UnsupportedError
from neurodeploy.ir import IntConv, IntDense
from neurodeploy.semantics import bounds

Range = tuple[int, int]
"""Smallest and largest integer that synapses are given."""


def dense_function(op: IntDense, given: Range) -> Function:
    """`IntDense(x, weight; factor) -> a`, weight `(in, out)` in the float type of `accumulate`."""
    body, accumulate = Body(), accumulate_type(op, given)
    sums = body.op("MatMul", body.op("Cast", "x", to=accumulate), "weight")
    attributes = _shift(body, body.op("Cast", sums, to=TensorProto.INT64), op.exponent)
    wide = "" if accumulate == TensorProto.FLOAT else "Wide"
    doc = "a = shift(W x): whole numbers, exact in this float type"
    return body.function(f"IntDense{_direction(op.exponent)}{wide}", ["x", "weight"], ["a"], attributes, doc)


def accumulate_type(op: IntDense | IntConv, given: Range) -> int:
    """The float type in which sums are made: float32 where no partial sum reaches 2^24, and for convolutions."""
    wide = bounds.partial_sums(op, _largest(given)) >= bounds.EXACT_FLOAT32
    return int(TensorProto.DOUBLE if wide and isinstance(op, IntDense) else TensorProto.FLOAT)


def conv_function(op: IntConv, given: Range) -> Function:
    """`IntConv(x, weight; strides, pads, dilations, group[, base][, factor]) -> a`, weight in float32."""
    body = Body()
    base, digits = _digits(op, given)
    geometry = {
        "strides": list(op.stride),
        "pads": list(op.padding),
        "dilations": list(op.dilation),
        "group": op.groups,
    }
    total = _digit_sums(body, digits)
    attributes = {**geometry, **_shift(body, total, op.exponent), **({"base": base} if digits > 1 else {})}
    name = f"IntConv{_direction(op.exponent)}" + (f"{digits}Digits" if digits > 1 else "")
    doc = "a = shift(W * x): whole numbers, exact in float32" + (", digit by digit" if digits > 1 else "")
    return body.function(name, ["x", "weight"], ["a"], attributes, doc)


def _digits(op: IntConv, given: Range) -> tuple[int, int]:
    """Base and number of digits of the input for which float32 is exact; the base is a power of two."""
    low, high = given
    if bounds.partial_sums(op, _largest(given)) < bounds.EXACT_FLOAT32:
        return 1, 1
    bits = 0
    while bounds.partial_sums(op, (2 << bits) - 1) < bounds.EXACT_FLOAT32:
        bits += 1
    if bits == 0:
        raise UnsupportedError(
            f"its sums of single spikes reach {bounds.partial_sums(op, 1)}; the ONNX form of a convolution holds "
            f"sums below {bounds.EXACT_FLOAT32} (2^24)"
        )
    digits = 1
    while max(-low, high) >= 1 << bits:
        low, high, digits = low >> bits, high >> bits, digits + 1
    return 1 << bits, digits


def _digit_sums(body: Body, digits: int) -> str:
    """Sums of x, lowest digit first: x = digit + base * rest, 0 <= digit < base, but for the last rest."""
    if digits == 1:
        return _float_sums(body, "x")
    rest, sums = body.op("Cast", "x", to=TensorProto.INT64), []
    for _ in range(digits - 1):
        digit = body.op("Mod", rest, body.attribute("base"))
        sums.append(_float_sums(body, digit))
        rest = body.op("Div", body.op("Sub", rest, digit), body.attribute("base"))
    total = _float_sums(body, rest)
    for lower in reversed(sums):
        total = body.op("Add", body.op("Mul", total, body.attribute("base")), lower)
    return total


def _float_sums(body: Body, x: str) -> str:
    sums = body.conv(body.op("Cast", x, to=TensorProto.FLOAT), "weight")
    return body.op("Cast", sums, to=TensorProto.INT64)


def _shift(body: Body, sums: str, exponent: int) -> dict[str, Any]:
    """`a` = sums * 2^exponent, floor; returns the attribute that this needs."""
    if exponent == 0:
        body.op("Identity", sums, result="a")
        return {}
    factor = body.attribute("factor")
    if exponent > 0:
        body.op("Mul", sums, factor, result="a")
    else:
        body.op("Div", body.op("Sub", sums, body.op("Mod", sums, factor)), factor, result="a")
    return {"factor": 1 << abs(exponent)}


def _direction(exponent: int) -> str:
    return "Right" if exponent < 0 else "Left" if exponent > 0 else ""


def _largest(given: Range) -> int:
    return max(-given[0], given[1])
