"""The library of arrays that computes on a GPU, too: torch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from neurodeploy.backend import IntArray
from neurodeploy.ir import Delay, IntConv, IntDense, IntInput, IntLIF, Shape
from neurodeploy.semantics import Registers, bounds
from neurodeploy.semantics.synapses import float_type
from neurodeploy.targets.engine.torch.neurons import Neurons
from neurodeploy.targets.engine.torch.synapses import Synapses, torch_type


class Torch:
    """See `neurodeploy.targets.engine.library.Library`. Values are `(T, N, *shape)`, whole numbers in float types.

    Convolutions unfold at most `elements` at a time.
    """

    def __init__(self, device: torch.device, elements: int) -> None:
        self._device, self._elements = device, elements

    def given(self, x: IntArray, op: IntInput) -> Tensor:
        """See `Library.given`."""
        return torch.tensor(np.ascontiguousarray(x), dtype=_type_of(op.low, op.high), device=self._device)

    def joined(self, pieces: list[Tensor]) -> Tensor:
        """See `Library.joined`."""
        return torch.cat(pieces)

    def integers(self, values: Tensor) -> IntArray:
        """See `Library.integers`."""
        return values.cpu().numpy().astype(np.int64)

    def shaped(self, values: Tensor, shape: Shape) -> Tensor:
        """See `Library.shaped`."""
        return values.reshape(*values.shape[:2], *shape)

    def silence(self, op: Delay, samples: int, low: int, high: int) -> Tensor:
        """See `Library.silence`."""
        dtype = torch.float64 if op.signal == "current" else _type_of(low, high)
        return torch.zeros((op.steps, samples, *op.shape), dtype=dtype, device=self._device)

    def synapses(self, op: IntDense | IntConv, largest_input: int) -> Synapses:
        """See `Library.synapses`."""
        return Synapses(op, largest_input, self._device, self._elements)

    def neurons(
        self, op: IntLIF, registers: Registers, checked: bounds.Checked, keep: bool, keep_current: bool
    ) -> Neurons:
        """See `Library.neurons`."""
        return Neurons(op, registers, checked, keep, keep_current, self._device)


def _type_of(low: int, high: int) -> torch.dtype:
    return torch_type(float_type(max(-low, high)))
