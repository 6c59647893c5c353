"""Neurons over a window of time, in float64, all samples and neurons of a step at once.

The equations are those of `neurodeploy.ir.IntLIF`. Every number is an integer below 2^53 and every quotient is one of
such integers, so float64 is exact.
"""

from __future__ import annotations

import numpy.typing as npt
import torch
from torch import Tensor

from neurodeploy.ir import DECAY_ONE, IntLIF
from neurodeploy.semantics import CURRENT_SHIFT, Register, Registers, bounds
from neurodeploy.semantics.synapses import float_type
from neurodeploy.targets.engine.torch.synapses import torch_type


class Neurons:
    """One layer of neurons: the state of a batch, and what overflowed since the last reset.

    Registers that are not `checked` are proven to hold every value. With `keep`, `membrane` holds the potentials
    at the end of each step of the last window, `(T, N, *shape)`, with `keep_current` `current` the
    currents.
    """

    def __init__(
        self,
        op: IntLIF,
        registers: Registers,
        checked: bounds.Checked,
        keep: bool,
        keep_current: bool,
        device: torch.device,
    ) -> None:
        def real(values: npt.ArrayLike) -> Tensor:
            return torch.tensor(values, dtype=torch.float64, device=device)

        self._op, self._device = op, device
        self._keep, self._keep_current = keep or op.reset == "none", keep_current
        self._keep_u, self._keep_v = real(1 - op.du / DECAY_ONE), real(1 - op.dv / DECAY_ONE)
        self._bias, self._initial = real(op.bias_q), real(op.initial_q)
        self._fire_at, self._subtracts = real(op.fire_at), real(op.subtracts_q)
        self._v_min = None if op.v_min_q is None else real(op.v_min_q)
        self._checked = checked
        self._spike_type = torch_type(float_type(bounds.most_spikes(op, registers)))
        self.membrane: Tensor | None = None
        self.current: Tensor | None = None

    @property
    def overflows(self) -> int:
        """Values that the registers could not hold."""
        return int(self._overflows)

    def reset(self, samples: int) -> None:
        """Every sample starts from the reset state."""
        zeros = torch.zeros((samples, *self._op.shape), dtype=torch.float64, device=self._device)
        self._u, self._v, self._waiting = zeros, zeros + self._initial, zeros
        self._overflows = torch.zeros((), dtype=torch.int64, device=self._device)

    def advance(self, inputs: list[Tensor], steps: int) -> Tensor:
        """Spikes `(T, N, *shape)`, or the potentials of a readout; `inputs` are groups of synaptic input."""
        shape = (steps, *self._v.shape)
        spikes = torch.zeros(shape, dtype=self._spike_type, device=self._device)
        membrane, current = (
            torch.empty(shape if kept else 0, dtype=torch.float64, device=self._device)
            for kept in (self._keep, self._keep_current)
        )
        for t in range(steps):
            fired = self._step(self._drive(inputs, t))
            if fired is not None:
                spikes[t] = fired
            if self._keep:
                membrane[t] = self._v
            if self._keep_current:
                current[t] = self._u
        self.membrane = membrane if self._keep else None
        self.current = current if self._keep_current else None
        return membrane if self._op.reset == "none" else spikes

    def _drive(self, inputs: list[Tensor], t: int) -> Tensor:
        """a[t] << 6."""
        total = torch.zeros_like(self._v)
        for a in inputs:
            total += a[t if len(a) > 1 else 0]
        return total.mul_(1 << CURRENT_SHIFT)

    def _step(self, u: Tensor) -> Tensor | None:
        """One step, `u` its a << 6: the new u, v and waiting; returns the spikes, None of a readout."""
        if self._op.remembers_current:
            u += _decay(self._u, self._keep_u)
        u = self._held(u, self._checked.u)
        v = _decay(self._v, self._keep_v).add_(u).add_(self._bias)
        resting = self._waiting > 0 if self._op.refractory else None
        if resting is not None:
            v.masked_fill_(resting, 0)  # what a resting neuron does not write cannot overflow
        v = self._held(v, self._checked.v)
        if self._v_min is not None:
            v = v.maximum(self._v_min)
        if resting is not None:
            v = torch.where(resting, self._v, v)
        self._u, self._v = u, v
        return None if self._op.reset == "none" else self._fire(resting)

    def _fire(self, resting: Tensor | None) -> Tensor:
        """Spikes, and what they change."""
        op = self._op
        fires = self._v >= self._fire_at
        if resting is not None:
            fires &= ~resting
        spikes = fires
        if op.max_spikes > 1:
            fitting = ((self._v - self._fire_at) / self._subtracts).floor_().add_(1)
            spikes = fitting.clamp_max_(op.max_spikes).mul_(fires)
        if op.reset == "subtract":
            self._v = self._v - spikes * self._subtracts
        else:
            self._v = self._v.masked_fill(fires, 0)
        if op.clear_current:
            self._u = self._u.masked_fill(fires, 0)
        if op.refractory:
            self._waiting = (self._waiting - 1).clamp_min_(0).masked_fill_(fires, op.refractory)
        return spikes

    def _held(self, x: Tensor, register: Register | None) -> Tensor:
        """What the register holds after x is written to it; what it cannot hold is counted."""
        if register is None:
            return x
        self._overflows += ((x < register.low) | (x > register.high)).sum()
        if register.overflow == "saturate":
            return x.clamp(register.low, register.high)
        span = 1 << register.bits
        return x - ((x - register.low) / span).floor_() * span


def _decay(x: Tensor, keep: Tensor) -> Tensor:
    """x * keep, toward zero."""
    return (x * keep).trunc_()
