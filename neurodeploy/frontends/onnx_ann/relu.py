"""The one operation that an ANN has and a spiking network has not."""

from __future__ import annotations

from dataclasses import dataclass

from neurodeploy.ir.op import Op, fail, one_input
from neurodeploy.ir.types import TensorType


@dataclass(frozen=True, slots=True, eq=False)
class Relu(Op):
    """y = min(max(x, 0), cap); without cap no end. Shapes: any, elementwise. Each becomes a layer of neurons."""

    kind = "relu"
    dialect = "float"
    cap: float | None = None

    def __post_init__(self) -> None:
        if self.cap is not None and not self.cap > 0:
            raise fail(self, f"the upper end must be positive, not {self.cap:.6g}")

    def result(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Anything but a potential -> value."""
        return TensorType(one_input(self, inputs, "value", "current").shape, "value")
