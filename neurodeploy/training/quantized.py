"""Training for few bits: the network computes with weights on the compiler's grid, real weights behind them learn."""

from __future__ import annotations

from collections.abc import Iterable
from math import frexp, ldexp

import torch

from neurodeploy.errors import InputError
from neurodeploy.quant import Method
from neurodeploy.quant.grid import weight_max
from neurodeploy.training.optimizers import Optimizer, Tensors

STEP_BITS = 16
"""Significant bits of a grid's step, so that a float32 holds every multiple of it up to 127 without rounding."""


class StraightThrough:
    """An optimizer of real weights W for a network that holds rounded ones.

        Q = clip(round(W / S), -m, m),   m = 2^(bits-1) - 1
        gradient at S Q  ->  `optimizer` moves W  ->  W = clip(W, -m S, m S)  ->  the network holds S Q

    The rounding is passed by in the gradient as if it were the identity; no weight moves beyond the ends of the grid.
    S is fixed for each of `names` when this is made: the end of least squared error (`neurodeploy.quant.grid`, 'mse')
    for the weights that `parameters` hold then. The largest weight always stands at an end, so the compiler's grid
    for these bits, which ends at the largest weight, is this one. Other parameters learn as with `optimizer` alone.

    `state` is that of `optimizer`, with `NAME/real` W and `NAME/step` S, float64, for each name.

    Raises `InputError` where all weights of a layer are zero, which gives no grid.
    Source: Bengio, Leonard, Courville, arXiv 1308.3432 (straight-through); Courbariaux et al., NeurIPS 2015 (clipping).
    """

    def __init__(self, optimizer: Optimizer, parameters: Tensors, names: Iterable[str], bits: int) -> None:
        self._optimizer, self._names, self._most = optimizer, tuple(names), weight_max(bits)
        self.state = optimizer.state
        for name in self._names:
            weight = parameters[name]
            step = torch.tensor(grid_step(name, weight, bits), dtype=torch.float64, device=weight.device)
            self.state |= {f"{name}/real": weight.clone(), f"{name}/step": step}
            self._round(name, weight)

    def update(self, parameters: Tensors, gradients: Tensors, learning_rate: float) -> None:
        """Move the real weights along the gradients of the rounded ones, and round them again."""
        real = {name: self.state[f"{name}/real"] for name in self._names}
        self._optimizer.update({**parameters, **real}, gradients, learning_rate)
        for name in self._names:
            self._round(name, parameters[name])

    def _round(self, name: str, weight: torch.Tensor) -> None:
        """Clip the real weights of a layer, and put the rounded ones into `weight`."""
        real, step = self.state[f"{name}/real"], float(self.state[f"{name}/step"])
        real.clamp_(-self._most * step, self._most * step)
        torch.div(real, step, out=weight).round_()
        largest = real.abs().argmax()
        weight.view(-1)[largest] = self._most * real.view(-1)[largest].sign()
        weight.mul_(step)


def grid_step(name: str, weight: torch.Tensor, bits: int) -> float:
    """The step of the grid that suits these weights, rounded to `STEP_BITS` significant bits."""
    found = Method(bits, "mse").scale(weight.cpu().numpy())
    if found == 0.0:
        raise InputError(
            f"all {weight.numel()} numbers in {name} are zero, which gives no grid of {bits} bits; "
            "train it first without --quantize, and go on from there with --start RUN"
        )
    mantissa, exponent = frexp(found)
    return ldexp(round(ldexp(mantissa, STEP_BITS)), exponent - STEP_BITS)
