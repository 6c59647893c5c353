"""Operations of both dialects: they move numbers and change none, but for sums of branches."""

from __future__ import annotations

from dataclasses import dataclass

from neurodeploy.ir.op import Op, check_choice, check_scalars, fail, one_input
from neurodeploy.ir.types import Shape, Signal, TensorType


@dataclass(frozen=True, slots=True, eq=False)
class Flatten(Op):
    """All axes into one, last axis fastest: `shape` -> `(product of shape,)`; the numbers stay the same."""

    kind = "flatten"
    dialect = "any"

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Any shape but of a potential -> the same signal, (size,)."""
        given = one_input(self, inputs, "value", "spike", "current")
        return TensorType((given.size,), given.signal)


@dataclass(frozen=True, slots=True, eq=False)
class Add(Op):
    """y[t] = sum of all inputs, which have one shape. Spikes and values add up to a value, currents to a current."""

    kind = "add"
    dialect = "float"

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Two or more of one shape -> current where any is a current, else value."""
        if len(inputs) < 2:
            raise fail(self, f"must have at least 2 inputs, not {len(inputs)}")
        shapes = {given.shape for given in inputs}
        signals = {given.signal for given in inputs}
        if len(shapes) > 1 or "potential" in signals:
            raise fail(self, f"cannot add {', '.join(str(given) for given in inputs)}")
        return TensorType(inputs[0].shape, "current" if "current" in signals else "value")


@dataclass(frozen=True, slots=True, eq=False)
class Concat(Op):
    """All inputs one after the other along the first axis (channels); the other axes are the same."""

    kind = "concat"
    dialect = "float"

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Two or more of one signal -> the same signal, with all channels."""
        if len(inputs) < 2:
            raise fail(self, f"must have at least 2 inputs, not {len(inputs)}")
        if len({(given.shape[1:], given.signal) for given in inputs}) > 1:
            raise fail(self, f"cannot join {', '.join(str(given) for given in inputs)}")
        channels = sum(given.shape[0] for given in inputs)
        return TensorType((channels, *inputs[0].shape[1:]), inputs[0].signal)


@dataclass(frozen=True, slots=True, eq=False)
class Delay(Op):
    """y[t] = x[t - steps], zeros before. Every cycle of a graph goes through one: it breaks the step.

    `shape` and `signal` say what it passes on, so that types are known within a cycle.
    """

    kind = "delay"
    dialect = "any"
    shape: Shape
    steps: int
    signal: Signal = "spike"

    def __post_init__(self) -> None:
        check_scalars(self)
        check_choice(self, "signal", ("spike", "value", "current"))
        if not 1 <= self.steps < 1 << 20:
            raise fail(self, f"steps must be in 1..{(1 << 20) - 1}, not {self.steps}")

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """signal[shape], which its one input must be."""
        mine = TensorType(self.shape, self.signal)
        if inputs and (len(inputs) != 1 or inputs[0] != mine):
            raise fail(self, f"passes on {mine}, but gets {', '.join(str(given) for given in inputs)}")
        return mine


@dataclass(frozen=True, slots=True, eq=False)
class Output(Op):
    """The result of the network: the spikes of its one input, or its potential if that is a readout."""

    kind = "output"
    dialect = "any"

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Spike or potential, passed on."""
        return one_input(self, inputs, "spike", "potential")
