"""What an operation is: a frozen dataclass whose fields are checked when it is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from math import isfinite
from operator import index
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.ir.types import Shape, TensorType

Reset = Literal["subtract", "zero", "none"]
Compare = Literal["ge", "gt"]
Dialect = Literal["float", "integer", "any"]
Extents = tuple[int, ...]
FloatArray = npt.NDArray[np.float32]
Int8Array = npt.NDArray[np.int8]
Int64Array = npt.NDArray[np.int64]
FloatParameter = Any
"""A parameter of neurons: given as a number or array-like, kept as float64 array, without axes if all are equal."""
IntParameter = Any
"""The same in int64."""

DECAY_ONE = 4096
"""The fixed-point one of decays: a decay of d keeps (4096 - d) / 4096 of a value."""


class Op:
    """Base of all operations: a table key (`kind`), a dialect and one type rule."""

    __slots__ = ()
    kind: ClassVar[str]
    dialect: ClassVar[Dialect]

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Type of the result for inputs of these types; raises `InputError` where they do not fit."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(same(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))  # type: ignore[arg-type]

    __hash__ = None  # type: ignore[assignment]


def same(a: Any, b: Any) -> bool:
    """True for equal values of one type; arrays are compared with their number type."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    return type(a) is type(b) and bool(a == b)


def default(field: Field[Any]) -> Any:
    """The default of a field of an operation, `MISSING` where it has none."""
    return field.default if field.default_factory is MISSING else field.default_factory()


def fail(op: Op, problem: str) -> InputError:
    """The error of an operation that cannot be made or typed."""
    return InputError(f"op '{op.kind}': {problem}")


def freeze(op: Op, name: str, dtype: npt.DTypeLike, ndim: int | tuple[int, ...]) -> None:
    """Replace field `name` by a read-only copy of exactly `dtype`, or refuse it."""
    raw = np.asarray(getattr(op, name))
    if raw.dtype.kind not in "biuf":
        raise fail(op, f"{name} must hold numbers, not {raw.dtype}")
    allowed = (ndim,) if isinstance(ndim, int) else ndim
    if raw.ndim not in allowed:
        wanted = " or ".join(str(n) for n in allowed)
        raise fail(op, f"{name} must have {wanted} axes, not {raw.ndim} (shape {raw.shape})")
    if raw.ndim and raw.size == 0:
        raise fail(op, f"{name} is empty (shape {raw.shape})")
    with np.errstate(over="ignore", invalid="ignore"):
        array = raw.astype(dtype)
    if not np.isfinite(array).all():
        bad = int(array.size - np.isfinite(array).sum())
        raise fail(
            op,
            f"{name} holds {bad} of {raw.size} values that are NaN or too large for {array.dtype}; repair them",
        )
    if array.dtype.kind != "f" and not np.array_equal(array, raw):
        raise fail(op, f"{name} must hold integers that fit {array.dtype}")
    array.setflags(write=False)
    object.__setattr__(op, name, array)


def freeze_parameter(op: Op, name: str, dtype: npt.DTypeLike, shape: Shape) -> None:
    """Like `freeze`, for a parameter of neurons of `shape`: one number, or an array that broadcasts to `shape`.

    An array of equal values becomes one number (no axes), so that equal meanings are equal operations.
    """
    freeze(op, name, dtype, (0, len(shape)))
    array = getattr(op, name)
    if array.ndim and any(n not in (1, extent) for n, extent in zip(array.shape, shape, strict=True)):
        raise fail(op, f"{name} {array.shape} does not belong to shape {shape}")
    if array.ndim and (array == array.flat[0]).all():
        array = np.array(array.flat[0])
        array.setflags(write=False)
        object.__setattr__(op, name, array)


def check_scalars(op: Op) -> None:
    """Make every int, float, bool, shape and extents field exactly of its type, or refuse it."""
    for field in fields(op):  # type: ignore[arg-type]
        if field.type in _SCALARS:
            value = getattr(op, field.name)
            try:
                object.__setattr__(op, field.name, _SCALARS[str(field.type)](value))
            except (TypeError, ValueError, OverflowError):
                raise fail(op, f"{field.name} must be {_WANTED[str(field.type)]}, not {value!r}") from None


def check_choice(op: Op, name: str, allowed: tuple[str, ...]) -> None:
    """Refuse a field that is not one of the words it may be."""
    value = getattr(op, name)
    if value not in allowed:
        words = ", ".join(repr(word) for word in allowed[:-1])
        raise UnsupportedError(f"op '{op.kind}': {name} must be {words} or {allowed[-1]!r}, not {value!r}")


def _integer(value: Any) -> int:
    if isinstance(value, (bool, np.bool_)) or not -(1 << 62) < value < 1 << 62:
        raise ValueError
    return index(value)


def _real(value: Any) -> float:
    if isinstance(value, (bool, np.bool_, str)) or not isfinite(value):
        raise ValueError
    return float(value)


def _truth(value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError
    return bool(value)


def _shape(value: Any) -> Shape:
    shape = tuple(_integer(extent) for extent in value)
    if not shape or min(shape) < 1:
        raise ValueError
    return shape


def _extents(value: Any) -> Extents:
    extents = tuple(_integer(extent) for extent in value)
    if not extents or min(extents) < 0:
        raise ValueError
    return extents


_SCALARS: dict[str, Callable[[Any], Any]] = {
    "int": _integer,
    "float": _real,
    "bool": _truth,
    "Shape": _shape,
    "Extents": _extents,
}
_WANTED = {
    "int": "an integer",
    "float": "a finite number",
    "bool": "true or false",
    "Shape": "a shape of positive extents",
    "Extents": "a list of integers that are not negative",
}


def one_input(op: Op, inputs: tuple[TensorType, ...], *signals: str) -> TensorType:
    """The type of the only input, or an error that says what is wrong with it."""
    if len(inputs) != 1:
        raise fail(op, f"must have exactly one input, not {len(inputs)}")
    if signals and inputs[0].signal not in signals:
        raise fail(op, f"must be fed by {' or '.join(signals)}, not {inputs[0].signal}")
    return inputs[0]


def source_result(op: Op, shape: Shape, inputs: tuple[TensorType, ...]) -> TensorType:
    """Type rule of an input of the network."""
    if inputs:
        raise fail(op, f"must have no inputs, not {len(inputs)}")
    return TensorType(shape, "value")


def neuron_result(
    op: Op, shape: Shape, inputs: tuple[TensorType, ...], *, spiking: bool, driven: bool
) -> TensorType:
    """Type rule of neurons: currents of their own shape, summed. None at all where a bias drives them."""
    if not inputs and not driven:
        raise fail(op, "has no incoming synapses and no bias")
    for given in inputs:
        if given.signal != "current" or given.shape != shape:
            raise fail(op, f"takes current{list(shape)}, but gets {given}")
    return TensorType(shape, "spike" if spiking else "potential")
