r"""The float dialect: what was trained, before quantization. `neurodeploy.ir.interpreter` executes it.

Axis order: weights are `(out, in)` or `(out, in / groups, *kernel)`; activations have the axes
`(time, batch, *shape)`, of which the operations name `shape` alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from neurodeploy.ir.op import (
    Compare,
    Extents,
    FloatArray,
    FloatParameter,
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
from neurodeploy.ir.windows import (
    Windows,
    check_groups,
    check_windows,
    convolution_shape,
    windows_result,
)


def zero() -> npt.NDArray[np.float64]:
    """The default of a parameter."""
    return np.zeros(())


@dataclass(frozen=True, slots=True, eq=False)
class Input(Op):
    """Input of one time step, shape `shape`, and how it carries numbers.

    - `graded`: real values, in every step the same (direct encoding) or another; quantized by a scale;
    - `binary`: 0 or 1;
    - `event`: how many events each input had in this step, integers of at least 0.
    """

    kind = "input"
    dialect = "float"
    shape: Shape
    encoding: Literal["graded", "binary", "event"] = "graded"

    def __post_init__(self) -> None:
        check_scalars(self)
        check_choice(self, "encoding", ("graded", "binary", "event"))

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """No inputs -> value[shape]."""
        return source_result(self, self.shape, inputs)


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
        check_scalars(self)
        freeze(self, "weight", np.float32, 2)
        freeze(self, "bias", np.float32, 1)
        if self.bias.shape != self.weight.shape[:1]:
            raise fail(self, f"bias {self.bias.shape} does not belong to weight {self.weight.shape}")

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Anything (in,) but a potential -> current (out,)."""
        given = one_input(self, inputs, "value", "spike", "current")
        if given.shape != (self.weight.shape[1],):
            raise fail(
                self,
                f"weight {self.weight.shape} takes {self.weight.shape[1]} inputs, but gets shape {given.shape}",
            )
        return TensorType((self.weight.shape[0],), "current")


@dataclass(frozen=True, slots=True, eq=False)
class Conv(Op):
    """Convolutional synapses (a cross-correlation, as in every framework of the field), 1d or 2d.

        I[o, y, x] = b[o] + sum_{i, j, k} W[o, i, j, k] X[g in/groups + i, y s_y + j d_y - p_y, x s_x + k d_x - p_x]

    with g the group of channel o, and X zero outside (padding). Shapes: W `(out, in / groups, *kernel)`,
    b `(out,)`, both float32; x `(in, *spatial)` -> I `(out, *places)`.
    """

    kind = "conv"
    dialect = "float"
    weight: FloatArray
    bias: FloatArray
    stride: Extents
    padding: Extents
    dilation: Extents
    groups: int = 1

    def __post_init__(self) -> None:
        check_scalars(self)
        freeze(self, "weight", np.float32, (3, 4))
        freeze(self, "bias", np.float32, 1)
        check_windows(self, self.windows)
        check_groups(self, len(self.weight), self.groups)
        if self.bias.shape != self.weight.shape[:1]:
            raise fail(self, f"bias {self.bias.shape} does not belong to weight {self.weight.shape}")

    @property
    def windows(self) -> Windows:
        """Its geometry."""
        return Windows(self.weight.shape[2:], self.stride, self.padding, self.dilation)

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Anything (in, *spatial) but a potential -> current (out, *places)."""
        given = one_input(self, inputs, "value", "spike", "current")
        return TensorType(
            convolution_shape(self, self.windows, self.weight.shape, self.groups, given), "current"
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Pool(Op):
    """Geometry of pools: `kernel`, `stride` `(axes,)`, `padding` `(2 axes,)`; channels stay apart."""

    kernel: Extents
    stride: Extents
    padding: Extents

    def __post_init__(self) -> None:
        check_scalars(self)
        check_windows(self, self.windows)

    @property
    def windows(self) -> Windows:
        """Its geometry."""
        return Windows(self.kernel, self.stride, self.padding, (1,) * len(self.kernel))

    def _shape(self, given: TensorType) -> Shape:
        return windows_result(self, self.windows, given.shape[0], given)


@dataclass(frozen=True, slots=True, eq=False)
class SumPool(_Pool):
    """Sum over each window; outside the input are zeros. Shapes: x `(C, *spatial)` -> `(C, *places)`."""

    kind = "sum_pool"
    dialect = "float"

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Spike or value -> value; current -> current."""
        given = one_input(self, inputs, "value", "spike", "current")
        return TensorType(self._shape(given), "current" if given.signal == "current" else "value")


@dataclass(frozen=True, slots=True, eq=False)
class AveragePool(_Pool):
    """Mean over each window. Shapes: x `(C, *spatial)` -> `(C, *places)`.

    `count_padding`: divide by the size of the kernel, else by the number of inputs in the window.
    """

    kind = "average_pool"
    dialect = "float"
    count_padding: bool = True

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Spike or value -> value; current -> current."""
        given = one_input(self, inputs, "value", "spike", "current")
        return TensorType(self._shape(given), "current" if given.signal == "current" else "value")


@dataclass(frozen=True, slots=True, eq=False)
class MaxPool(_Pool):
    """Largest value of each window; of spikes: a spike where any input spiked (OR).

    Shapes: x `(C, *spatial)` -> `(C, *places)`.
    """

    kind = "max_pool"
    dialect = "float"

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """The signal stays what it was."""
        given = one_input(self, inputs, "value", "spike", "current")
        return TensorType(self._shape(given), given.signal)


@dataclass(frozen=True, slots=True, eq=False)
class Scale(Op):
    """y = scale * x + shift; both one number or an array that broadcasts to x's shape, float64.

    Batch norm in evaluation mode is one: scale = gamma / sqrt(var + eps), shift = beta - scale * mean.
    """

    kind = "scale"
    dialect = "float"
    scale: FloatParameter
    shift: FloatParameter = field(default_factory=zero)

    def __post_init__(self) -> None:
        check_scalars(self)
        for name in ("scale", "shift"):
            freeze(self, name, np.float64, tuple(range(4)))

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Spike or value -> value; current -> current."""
        given = one_input(self, inputs, "value", "spike", "current")
        for name in ("scale", "shift"):
            array = getattr(self, name)
            if array.ndim and (
                array.ndim != len(given.shape)
                or any(n not in (1, extent) for n, extent in zip(array.shape, given.shape, strict=True))
            ):
                raise fail(self, f"{name} {array.shape} does not belong to input {given.shape}")
        return TensorType(given.shape, "current" if given.signal == "current" else "value")


@dataclass(frozen=True, slots=True, eq=False)
class LIF(Op):
    """Leaky integrate-and-fire neurons: IF, LIF, current-based LIF and spike response neurons are settings of it.

        j[t] = current_decay * j[t-1] + I[t],   j[-1] = 0         synaptic current; 0: no memory
        u[t] = max(decay * v[t-1] + j[t] + bias, v_min),   v[-1] = initial
        s[t] = u[t] >= threshold  ('ge')   or   u[t] > threshold  ('gt')
        v[t] = u[t] - reset_by * s[t]  ('subtract')   or   u[t] * (1 - s[t])  ('zero')

    then j[t] = 0 where it fired (`clear_current`, spike response neuron).

    - `decay`, `current_decay` in [0, 1]: the share kept per step (1 - 1/tau); decay 1 is an IF neuron.
    - `reset_by`: what a spike takes away, by default the threshold. A reset that acts one step later, after the
      decay (v[t+1] = decay v[t] - threshold s[t] + ...), is reset_by = threshold / decay.
    - `max_spikes` > 1: s[t] = how many times reset_by fits, min(floor((u - threshold) / reset_by) + 1, max_spikes)
      for 'ge'; only with 'subtract'.
    - `refractory` steps after a spike u[t] = v[t-1] and nothing fires; j goes on.

    All but `shape` and the words are one number each, or arrays that broadcast to `shape`, float64.
    With 'subtract' and the defaults this is u[t] = decay (u[t-1] - threshold s[t-1]) + I[t], the neuron of OTTT
    (Xiao et al., NeurIPS 2022, eq. 2). Shapes: I, j, u, v, s `shape`.
    """

    kind = "lif"
    dialect = "float"
    shape: Shape
    decay: FloatParameter
    threshold: FloatParameter
    reset: Reset
    compare: Compare
    current_decay: FloatParameter = field(default_factory=zero)
    bias: FloatParameter = field(default_factory=zero)
    initial: FloatParameter = field(default_factory=zero)
    reset_by: FloatParameter | None = None
    v_min: FloatParameter | None = None
    clear_current: bool = False
    max_spikes: int = 1
    refractory: int = 0

    def __post_init__(self) -> None:
        check_scalars(self)
        for name in ("decay", "threshold", "current_decay", "bias", "initial"):
            freeze_parameter(self, name, np.float64, self.shape)
        for name in ("reset_by", "v_min"):
            if getattr(self, name) is not None:
                freeze_parameter(self, name, np.float64, self.shape)
        _check_decays(self)
        if self.reset_by is not None and np.array_equal(self.reset_by, self.threshold):
            object.__setattr__(self, "reset_by", None)
        if not (self.threshold > 0.0).all() or not (self.subtracts > 0.0).all():
            raise fail(
                self, f"threshold must be positive, not {min(self.threshold.min(), self.subtracts.min())}"
            )
        check_choice(self, "reset", ("subtract", "zero"))
        check_choice(self, "compare", ("ge", "gt"))
        check_extras(self, self.reset, self.max_spikes, self.refractory)

    @property
    def subtracts(self) -> npt.NDArray[np.float64]:
        """What a spike takes away with 'subtract'."""
        given: npt.NDArray[np.float64] = self.threshold if self.reset_by is None else self.reset_by
        return given

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Currents, summed -> spike."""
        return neuron_result(self, self.shape, inputs, spiking=True, driven=bool(self.bias.any()))


def check_extras(op: Op, reset: Reset, max_spikes: int, refractory: int) -> None:
    """The rules that spiking neurons of both dialects keep about several spikes a step and rest after one."""
    if max_spikes < 1 or refractory < 0:
        raise fail(
            op, f"max_spikes must be at least 1 and refractory at least 0, not {max_spikes} and {refractory}"
        )
    if max_spikes > 1 and reset != "subtract":
        raise fail(op, "several spikes a step need reset 'subtract'")


def _check_decays(op: LIF | Readout) -> None:
    for name in ("decay", "current_decay"):
        values = getattr(op, name)
        if not ((values >= 0.0) & (values <= 1.0)).all():
            raise fail(op, f"{name} must be in [0, 1], not {values.min()}..{values.max()}")


@dataclass(frozen=True, slots=True, eq=False)
class Readout(Op):
    """Neurons that integrate and never fire (leaky integrators, LI and current-based LI).

        j[t] = current_decay * j[t-1] + I[t],   j[-1] = 0
        v[t] = decay * v[t-1] + j[t] + bias,    v[-1] = 0

    With decay 1, v at the last step is the sum of a linear readout's outputs over time; with decay 0 it is its
    output in this step. Parameters as in `LIF`. Shapes: I, j, v `shape`.
    """

    kind = "readout"
    dialect = "float"
    shape: Shape
    decay: FloatParameter
    current_decay: FloatParameter = field(default_factory=zero)
    bias: FloatParameter = field(default_factory=zero)

    def __post_init__(self) -> None:
        check_scalars(self)
        for name in ("decay", "current_decay", "bias"):
            freeze_parameter(self, name, np.float64, self.shape)
        _check_decays(self)

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Currents, summed -> potential."""
        return neuron_result(self, self.shape, inputs, spiking=False, driven=bool(self.bias.any()))
