r"""The operations of the graph, in two dialects that share `Output`.

The float dialect is what was trained, the integer dialect what the chip computes
(`neurodeploy.semantics` executes it). An operation is a frozen dataclass; its arrays are
read-only, its checks run when it is made, and two operations are equal when their fields are.

Axis order: weights are `(out, in)`; activations have the axes `(time, batch, feature)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from math import isfinite
from operator import index
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.ir.types import Shape, TensorType

Reset = Literal["subtract", "zero", "none"]
Compare = Literal["ge", "gt"]
FloatArray = npt.NDArray[np.float32]
Int8Array = npt.NDArray[np.int8]
Int64Array = npt.NDArray[np.int64]

DECAY_ONE = 4096
"""The fixed-point one of decays: a decay of d keeps (4096 - d) / 4096 of a value."""


def _fail(op: Op, problem: str) -> InputError:
    return InputError(f"op '{op.kind}': {problem}")


class Op:
    """Base of all operations: a table key (`kind`), a dialect and one type rule."""

    __slots__ = ()
    kind: ClassVar[str]
    dialect: ClassVar[Literal["float", "integer", "any"]]

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Type of the result for inputs of these types; raises `InputError` where they do not fit."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(_same(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))  # type: ignore[arg-type]

    __hash__ = None  # type: ignore[assignment]


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    return bool(a == b)


def _freeze(op: Op, name: str, dtype: npt.DTypeLike, ndim: int) -> None:
    """Replace field `name` by a read-only copy of exactly `dtype`, or refuse it."""
    raw = np.asarray(getattr(op, name))
    if raw.dtype.kind not in "biuf":
        raise _fail(op, f"{name} must hold numbers, not {raw.dtype}")
    if raw.ndim != ndim:
        raise _fail(op, f"{name} must have {ndim} axes, not {raw.ndim} (shape {raw.shape})")
    with np.errstate(over="ignore", invalid="ignore"):
        array = raw.astype(dtype)
    if not np.isfinite(array).all():
        bad = int(array.size - np.isfinite(array).sum())
        raise _fail(
            op,
            f"{name} holds {bad} of {raw.size} values that are NaN or too large for {array.dtype}; repair them",
        )
    if array.dtype.kind != "f" and not np.array_equal(array, raw):
        raise _fail(op, f"{name} must hold integers that fit {array.dtype}")
    array.setflags(write=False)
    object.__setattr__(op, name, array)


def _check_scalars(op: Op) -> None:
    """Make every int, float, bool and shape field exactly of its type, or refuse it."""
    for field in fields(op):  # type: ignore[arg-type]
        if field.type in _SCALARS:
            value = getattr(op, field.name)
            try:
                object.__setattr__(op, field.name, _SCALARS[str(field.type)](value))
            except (TypeError, ValueError, OverflowError):
                raise _fail(op, f"{field.name} must be {_WANTED[str(field.type)]}, not {value!r}") from None


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


_SCALARS: dict[str, Callable[[Any], Any]] = {"int": _integer, "float": _real, "bool": _truth, "Shape": _shape}
_WANTED = {
    "int": "an integer",
    "float": "a finite number",
    "bool": "true or false",
    "Shape": "a shape of positive extents",
}


def _one(op: Op, inputs: tuple[TensorType, ...], *signals: str) -> TensorType:
    if len(inputs) != 1:
        raise _fail(op, f"must have exactly one input, not {len(inputs)}")
    if inputs[0].signal not in signals:
        raise _fail(op, f"must be fed by {' or '.join(signals)}, not {inputs[0].signal}")
    return inputs[0]


def _dense_result(op: Op, weight: npt.NDArray[Any], inputs: tuple[TensorType, ...]) -> TensorType:
    given = _one(op, inputs, "value", "spike")
    if given.shape != (weight.shape[1],):
        raise _fail(op, f"weight {weight.shape} takes {weight.shape[1]} inputs, but gets shape {given.shape}")
    return TensorType((weight.shape[0],), "current")


def _neuron_result(op: Op, shape: Shape, inputs: tuple[TensorType, ...], spiking: bool) -> TensorType:
    if not inputs:
        raise _fail(op, "has no incoming synapses")
    for given in inputs:
        if given.signal != "current" or given.shape != shape:
            raise _fail(op, f"takes current{list(shape)}, but gets {given}")
    return TensorType(shape, "spike" if spiking else "potential")


def _source_result(op: Op, shape: Shape, inputs: tuple[TensorType, ...]) -> TensorType:
    if inputs:
        raise _fail(op, f"must have no inputs, not {len(inputs)}")
    return TensorType(shape, "value")


# ---------------------------------------------------------------- float dialect


@dataclass(frozen=True, slots=True, eq=False)
class Input(Op):
    """Real-valued input of one time step, shape `shape`."""

    kind = "input"
    dialect = "float"
    shape: Shape

    def __post_init__(self) -> None:
        _check_scalars(self)

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """No inputs -> value[shape]."""
        return _source_result(self, self.shape, inputs)


@dataclass(frozen=True, slots=True, eq=False)
class Dense(Op):
    """Fully connected synapses: I[t] = W x[t] + b.

    Shapes: W `(out, in)`, b `(out,)`, both float32; x `(in,)` -> I `(out,)`.
    """

    kind = "dense"
    dialect = "float"
    weight: FloatArray
    bias: FloatArray

    def __post_init__(self) -> None:
        _check_scalars(self)
        _freeze(self, "weight", np.float32, 2)
        _freeze(self, "bias", np.float32, 1)
        if self.bias.shape != self.weight.shape[:1]:
            raise _fail(self, f"bias {self.bias.shape} does not belong to weight {self.weight.shape}")

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Value or spike (in,) -> current (out,)."""
        return _dense_result(self, self.weight, inputs)


@dataclass(frozen=True, slots=True, eq=False)
class LIF(Op):
    """Leaky integrate-and-fire neurons.

        u[t] = decay * v[t-1] + I[t],   v[-1] = 0
        s[t] = u[t] >= threshold  ('ge')   or   u[t] > threshold  ('gt')
        v[t] = u[t] - threshold * s[t]  ('subtract')   or   u[t] * (1 - s[t])  ('zero')

    `decay` in [0, 1] is the share of the potential kept per step (1 - 1/tau). With 'subtract' this is
    u[t] = decay (u[t-1] - threshold s[t-1]) + I[t], the neuron of OTTT (Xiao et al., NeurIPS 2022, eq. 2).
    Shapes: I, u, v, s `(n,)`.
    """

    kind = "lif"
    dialect = "float"
    shape: Shape
    decay: float
    threshold: float
    reset: Reset
    compare: Compare

    def __post_init__(self) -> None:
        _check_scalars(self)
        if not 0.0 <= self.decay <= 1.0:
            raise _fail(self, f"decay must be in [0, 1], not {self.decay}")
        if not self.threshold > 0.0:
            raise _fail(self, f"threshold must be positive, not {self.threshold}")
        if self.reset not in ("subtract", "zero"):
            raise UnsupportedError(f"op 'lif': reset must be 'subtract' or 'zero', not {self.reset!r}")
        if self.compare not in ("ge", "gt"):
            raise UnsupportedError(f"op 'lif': compare must be 'ge' or 'gt', not {self.compare!r}")

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Currents (n,), summed -> spike (n,)."""
        return _neuron_result(self, self.shape, inputs, spiking=True)


@dataclass(frozen=True, slots=True, eq=False)
class Readout(Op):
    """Neurons that integrate and never fire: v[t] = decay * v[t-1] + I[t], v[-1] = 0.

    With decay 1, v at the last step is the sum of a linear readout's outputs over time.
    Shapes: I, v `(n,)`.
    """

    kind = "readout"
    dialect = "float"
    shape: Shape
    decay: float

    def __post_init__(self) -> None:
        _check_scalars(self)
        if not 0.0 <= self.decay <= 1.0:
            raise _fail(self, f"decay must be in [0, 1], not {self.decay}")

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Currents (n,), summed -> potential (n,)."""
        return _neuron_result(self, self.shape, inputs, spiking=False)


# ---------------------------------------------------------------- integer dialect


@dataclass(frozen=True, slots=True, eq=False)
class IntInput(Op):
    """Graded integer input: x_q = clip(round_half_even(x * levels), low, high).

    `levels` is the number of integer steps per unit of the real input. Shape `shape`, integers.
    """

    kind = "int_input"
    dialect = "integer"
    shape: Shape
    levels: float
    low: int
    high: int

    def __post_init__(self) -> None:
        _check_scalars(self)
        if not self.levels > 0.0:
            raise _fail(self, f"levels must be positive, not {self.levels}")
        if not self.low <= 0 <= self.high or self.low == self.high:
            raise _fail(self, f"the range must hold 0 and more, not {self.low}..{self.high}")

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """No inputs -> value[shape]."""
        return _source_result(self, self.shape, inputs)


@dataclass(frozen=True, slots=True, eq=False)
class IntDense(Op):
    """Fully connected synapses: a[t] = shift(W_q x[t], exponent).

        shift(n, e) = n * 2^e for e >= 0, floor(n / 2^-e) for e < 0        # the SUM is shifted

    Shapes: W_q `(out, in)` int8; x `(in,)` integers -> a `(out,)` integers.
    """

    kind = "int_dense"
    dialect = "integer"
    weight_q: Int8Array
    exponent: int

    def __post_init__(self) -> None:
        _check_scalars(self)
        _freeze(self, "weight_q", np.int8, 2)
        if not -31 <= self.exponent <= 31:
            raise _fail(self, f"exponent must be in -31..31, not {self.exponent}")

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Value or spike (in,) -> current (out,)."""
        return _dense_result(self, self.weight_q, inputs)


@dataclass(frozen=True, slots=True, eq=False)
class IntLIF(Op):
    r"""Current-based leaky integrate-and-fire neurons on integers.

        u[t] = decay(u[t-1], du) + (a[t] << 6)                     du = 4096: no memory
        v[t] = decay(v[t-1], dv) + u[t] + bias_q
        s[t] = v[t] >= threshold_q  ('ge')   or   v[t] > threshold_q  ('gt')
        on a spike: 'subtract' v -= threshold_q | 'zero' v = 0;   clear_current: u = 0 too
        'none': a readout, s = 0 always and threshold_q is 0

        decay(x, d) = sign(x) * ((|x| * (4096 - d)) >> 12)         toward zero, d in 0..4096

    Shapes: a, u, v, s, bias_q `(n,)`. Potentials have 64 units per unit of a. The widths of u and v, and
    what happens at their ends, are the target's (`neurodeploy.semantics.Registers`).
    """

    kind = "int_lif"
    dialect = "integer"
    shape: Shape
    du: int
    dv: int
    bias_q: Int64Array
    threshold_q: int
    reset: Reset
    compare: Compare = "ge"
    clear_current: bool = False

    def __post_init__(self) -> None:
        _check_scalars(self)
        _freeze(self, "bias_q", np.int64, 1)
        if self.bias_q.shape != self.shape:
            raise _fail(self, f"bias_q {self.bias_q.shape} does not belong to shape {self.shape}")
        for name in ("du", "dv"):
            if not 0 <= getattr(self, name) <= DECAY_ONE:
                raise _fail(self, f"{name} must be in 0..{DECAY_ONE}, not {getattr(self, name)}")
        if self.reset not in ("subtract", "zero", "none"):
            raise _fail(self, f"reset must be 'subtract', 'zero' or 'none', not {self.reset!r}")
        if self.compare not in ("ge", "gt"):
            raise _fail(self, f"compare must be 'ge' or 'gt', not {self.compare!r}")
        if (self.threshold_q == 0) != (self.reset == "none") or not 0 <= self.threshold_q < 1 << 31:
            raise _fail(
                self,
                f"threshold_q must be in 1..{(1 << 31) - 1} (0 with reset 'none'), not {self.threshold_q}",
            )

    @property
    def fire_at(self) -> int:
        """Smallest potential that fires: the threshold for 'ge', one more for 'gt'."""
        return self.threshold_q + (self.compare == "gt")

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Currents (n,), summed -> spike (n,), or potential (n,) for a readout."""
        return _neuron_result(self, self.shape, inputs, spiking=self.reset != "none")


# ---------------------------------------------------------------- both


@dataclass(frozen=True, slots=True, eq=False)
class Flatten(Op):
    """All axes into one, last axis fastest: `shape` -> `(product of shape,)`; the numbers stay the same."""

    kind = "flatten"
    dialect = "any"

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Value or spike of any shape -> the same signal, (size,)."""
        given = _one(self, inputs, "value", "spike")
        return TensorType((given.size,), given.signal)


@dataclass(frozen=True, slots=True, eq=False)
class Output(Op):
    """The result of the network: the spikes of its one input, or its potential if that is a readout."""

    kind = "output"
    dialect = "any"

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Spike or potential, passed on."""
        return _one(self, inputs, "spike", "potential")


OPS: dict[str, type[Op]] = {
    op.kind: op for op in (Input, Dense, LIF, Readout, IntInput, IntDense, IntLIF, Flatten, Output)
}
"""Every operation by its kind: the table that reading, writing and printing use."""
