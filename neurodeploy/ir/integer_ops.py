r"""The integer dialect: what the chip computes. `neurodeploy.semantics` executes it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from neurodeploy.ir.float_ops import check_extras
from neurodeploy.ir.op import (
    DECAY_ONE,
    Compare,
    Extents,
    Int8Array,
    Int64Array,
    IntParameter,
    Op,
    Reset,
    check_choice,
    check_scalars,
    fail,
    freeze,
    freeze_parameter,
    neuron_result,
    one_input,
    source_result,
)
from neurodeploy.ir.types import Shape, TensorType
from neurodeploy.ir.windows import Windows, check_groups, check_windows, convolution_shape

INPUT_END = 1 << 32
INTEGER_END = 1 << 31
"""Thresholds and potentials fit 32 signed bits."""
DRIVE_END = 1 << 50
SPIKES_END = 1 << 20
NEURON_PARAMETERS = ("du", "dv", "bias_q", "threshold_q", "initial_q", "reset_by_q", "v_min_q")
"""The parameters of `IntLIF` that may differ between neurons."""
_OPTIONAL = ("reset_by_q", "v_min_q")


def zero() -> Int64Array:
    """The default of a parameter."""
    return np.zeros((), np.int64)


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
        check_scalars(self)
        if not self.levels > 0.0:
            raise fail(self, f"levels must be positive, not {self.levels}")
        if not self.low <= 0 <= self.high or self.low == self.high:
            raise fail(self, f"the range must hold 0 and more, not {self.low}..{self.high}")
        if max(-self.low, self.high) > INPUT_END:
            raise fail(self, f"the range must be within +-{INPUT_END}, not {self.low}..{self.high}")

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """No inputs -> value[shape]."""
        return source_result(self, self.shape, inputs)


@dataclass(frozen=True, slots=True, eq=False)
class IntSynapses(Op):
    """Any group of integer synapses: a[t] = shift(sum W_q x[t], exponent).

    shift(n, e) = n * 2^e for e >= 0, floor(n / 2^-e) for e < 0        # the SUM is shifted
    """

    weight_q: Int8Array
    exponent: int

    def _check(self, axes: int | tuple[int, ...]) -> None:
        check_scalars(self)
        freeze(self, "weight_q", np.int8, axes)
        if not -31 <= self.exponent <= 31:
            raise fail(self, f"exponent must be in -31..31, not {self.exponent}")


@dataclass(frozen=True, slots=True, eq=False)
class IntDense(IntSynapses):
    """Fully connected synapses: a[t] = shift(W_q x[t], exponent), see `IntSynapses`.

    Shapes: W_q `(out, in)` int8; x `(in,)` integers -> a `(out,)` integers.
    """

    kind = "int_dense"
    dialect = "integer"

    def __post_init__(self) -> None:
        self._check(2)

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Value or spike (in,) -> current (out,)."""
        given = one_input(self, inputs, "value", "spike")
        if given.shape != (self.weight_q.shape[1],):
            raise fail(
                self,
                f"weight {self.weight_q.shape} takes {self.weight_q.shape[1]} inputs, but gets shape {given.shape}",
            )
        return TensorType((self.weight_q.shape[0],), "current")


@dataclass(frozen=True, slots=True, eq=False)
class IntConv(IntSynapses):
    """Convolutional synapses, 1d or 2d: a[t] = shift(W_q * x[t], exponent); geometry as in `Conv`.

    Shapes: W_q `(out, in / groups, *kernel)` int8; x `(in, *spatial)` integers -> a `(out, *places)` integers.
    """

    kind = "int_conv"
    dialect = "integer"
    stride: Extents
    padding: Extents
    dilation: Extents
    groups: int = 1

    def __post_init__(self) -> None:
        self._check((3, 4))
        check_windows(self, self.windows)
        check_groups(self, len(self.weight_q), self.groups)

    @property
    def windows(self) -> Windows:
        """Its geometry."""
        return Windows(self.weight_q.shape[2:], self.stride, self.padding, self.dilation)

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Value or spike (in, *spatial) -> current (out, *places)."""
        given = one_input(self, inputs, "value", "spike")
        return TensorType(
            convolution_shape(self, self.windows, self.weight_q.shape, self.groups, given), "current"
        )


@dataclass(frozen=True, slots=True, eq=False)
class IntLIF(Op):
    r"""Current-based leaky integrate-and-fire neurons on integers.

        u[t] = decay(u[t-1], du) + (a[t] << 6)                     du = 4096: no memory
        v[t] = max(decay(v[t-1], dv) + u[t] + bias_q, v_min_q)     v[-1] = initial_q
        s[t] = v[t] >= threshold_q  ('ge')   or   v[t] > threshold_q  ('gt')
        on a spike: 'subtract' v -= reset_by_q s | 'zero' v = 0;   clear_current: u = 0 too
        'none': a readout, s = 0 always and threshold_q is 0

        decay(x, d) = sign(x) * ((|x| * (4096 - d)) >> 12)         toward zero, d in 0..4096

    - `reset_by_q`: what a spike takes away, by default threshold_q.
    - `max_spikes` > 1: s[t] = min(floor((v - fire_at) / reset_by_q) + 1, max_spikes) where v >= fire_at, else 0,
      with fire_at = threshold_q for 'ge', threshold_q + 1 for 'gt'; only with 'subtract'.
    - `refractory` steps after a spike v[t] = v[t-1] and nothing fires; u goes on.

    du, dv, bias_q, threshold_q, initial_q, reset_by_q and v_min_q are one number each, or arrays that broadcast to
    `shape`, int64. Shapes: a, u, v, s `shape`. Potentials have 64 units per unit of a. The widths of u and v, and
    what happens at their ends, are the target's (`neurodeploy.semantics.Registers`).
    """

    kind = "int_lif"
    dialect = "integer"
    shape: Shape
    du: IntParameter
    dv: IntParameter
    bias_q: IntParameter
    threshold_q: IntParameter
    reset: Reset
    compare: Compare = "ge"
    clear_current: bool = False
    initial_q: IntParameter = field(default_factory=zero)
    reset_by_q: IntParameter | None = None
    v_min_q: IntParameter | None = None
    max_spikes: int = 1
    refractory: int = 0

    def __post_init__(self) -> None:
        check_scalars(self)
        for name in NEURON_PARAMETERS:
            if getattr(self, name) is not None or name not in _OPTIONAL:
                freeze_parameter(self, name, np.int64, self.shape)
        if self.reset_by_q is not None and np.array_equal(self.reset_by_q, self.threshold_q):
            object.__setattr__(self, "reset_by_q", None)
        for name in ("du", "dv"):
            values = getattr(self, name)
            if not ((values >= 0) & (values <= DECAY_ONE)).all():
                raise fail(self, f"{name} must be in 0..{DECAY_ONE}, not {values.min()}..{values.max()}")
        check_choice(self, "reset", ("subtract", "zero", "none"))
        check_choice(self, "compare", ("ge", "gt"))
        check_extras(self, self.reset, self.max_spikes, self.refractory)
        self._check_threshold()
        for name, end in (("bias_q", DRIVE_END), ("initial_q", INTEGER_END), ("v_min_q", INTEGER_END)):
            values = getattr(self, name)
            if values is not None and not ((values > -end) & (values < end)).all():
                raise fail(self, f"{name} must be within +-{end - 1}, not {values.min()}..{values.max()}")

    def _check_threshold(self) -> None:
        if self.reset == "none":
            if (
                self.threshold_q.any()
                or self.reset_by_q is not None
                or self.max_spikes > 1
                or self.refractory
            ):
                raise fail(self, "a readout (reset 'none') has threshold_q 0 and nothing else about spikes")
            return
        for name in ("threshold_q", "subtracts_q"):
            values = getattr(self, name)
            if not ((values >= 1) & (values < INTEGER_END)).all():
                raise fail(
                    self,
                    f"{name} must be in 1..{INTEGER_END - 1} (0 with reset 'none'), "
                    f"not {values.min()}..{values.max()}",
                )
        if self.max_spikes > SPIKES_END:
            raise fail(self, f"max_spikes must be at most {SPIKES_END}, not {self.max_spikes}")

    @property
    def fire_at(self) -> Int64Array:
        """Smallest potential that fires: the threshold for 'ge', one more for 'gt'."""
        return np.asarray(self.threshold_q + (self.compare == "gt"))

    @property
    def subtracts_q(self) -> Int64Array:
        """What a spike takes away with 'subtract'."""
        given: Int64Array = self.threshold_q if self.reset_by_q is None else self.reset_by_q
        return given

    @property
    def remembers_current(self) -> bool:
        """False where every u[t] is a[t] << 6 alone."""
        return bool((self.du < DECAY_ONE).any())

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Currents, summed -> spike, or potential for a readout."""
        return neuron_result(
            self, self.shape, inputs, spiking=self.reset != "none", driven=bool(self.bias_q.any())
        )
