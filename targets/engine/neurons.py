"""Neurons over a window of time, in float64.

The equations are those of `neurodeploy.ir.IntLIF`. Every number is an integer below 2^53 and every quotient is
one of such integers, so float64 is exact; its arithmetic is vectorized where that of int64 is not. Neurons
compute in blocks small enough to stay in the cache through all steps of the window.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.ir import DECAY_ONE, IntLIF
from neurodeploy.semantics import CURRENT_SHIFT, Register, Registers, bounds
from neurodeploy.targets.engine.storage import integer_type

Array = npt.NDArray[Any]
Reals = npt.NDArray[np.float64]
Column = Reals | float
"""A parameter: one number, or one for each neuron, `(n, 1)`."""

BLOCK_ELEMENTS = 1 << 14
"""Number of (neuron, sample) elements in one block, unless a single neuron has more samples."""


class Neurons:
    """One layer of neurons: the state of a batch, and what overflowed since the last reset.

    Registers that are not `checked` are proven to hold every value. With `keep`, `membrane` holds the potentials
    at the end of each step of the last window, `(T, *shape, N)`, with `keep_current` `current` the
    currents.
    """

    def __init__(
        self,
        op: IntLIF,
        registers: Registers,
        checked: bounds.Checked,
        keep: bool,
        keep_current: bool = False,
    ) -> None:
        self._op = op
        self._keep = keep or op.reset == "none"
        self._keep_current = keep_current
        self._columns = _columns(op)
        self._spike_type = integer_type(0, bounds.most_spikes(op, registers))
        self._checked = checked
        self.membrane: Reals | None = None
        self.current: Reals | None = None
        self.overflows = 0

    def reset(self, samples: int) -> None:
        """Every sample starts from the reset state."""
        shape = (prod(self._op.shape), samples)
        self._v = np.zeros(shape) + self._columns["initial_q"]
        self._u = np.zeros(shape if self._op.remembers_current else (0, 0))
        self._waiting = np.zeros(shape if self._op.refractory else (0, 0), np.int64)
        self.overflows = 0

    def states(self) -> dict[str, Array]:
        """v, u where the current has a memory, waiting where there is a refractory time; `(n, N)`, not copies."""
        op = self._op
        found: dict[str, Array] = {"v": self._v}
        if op.remembers_current:
            found["u"] = self._u
        if op.refractory:
            found["waiting"] = self._waiting
        return found

    def advance(self, inputs: list[Array], steps: int) -> Array:
        """Spikes `(T, *shape, N)`, or the potentials of a readout; `inputs` are groups of synaptic input."""
        size, samples = self._v.shape
        currents = [a.reshape(len(a), size, samples) for a in inputs]
        spikes = np.zeros((steps, size, samples), self._spike_type)
        membrane = np.empty((steps, size, samples)) if self._keep else None
        current = np.empty((steps, size, samples)) if self._keep_current else None
        rows = max(1, BLOCK_ELEMENTS // samples)
        for first in range(0, size, rows):
            part = slice(first, first + rows)
            block = self._block(part)
            for t in range(steps):
                u = _drive(currents, t, part, block.v.shape)
                block.step(u, spikes[t, part])
                if membrane is not None:
                    membrane[t, part] = block.v
                if current is not None:
                    current[t, part] = u
            self.overflows += block.overflows
        self.membrane = None if membrane is None else membrane.reshape(steps, *self._op.shape, samples)
        self.current = None if current is None else current.reshape(steps, *self._op.shape, samples)
        if self._op.reset == "none" and self.membrane is not None:
            return self.membrane
        return spikes.reshape(steps, *self._op.shape, samples)

    def _block(self, part: slice) -> _Block:
        columns = {n: c if isinstance(c, float) else c[part] for n, c in self._columns.items()}
        return _Block(self._op, self._checked, columns, self._u[part], self._v[part], self._waiting[part])


def _columns(op: IntLIF) -> dict[str, Column]:
    """The parameters of `IntLIF`, of which decays are replaced by the share that is kept."""
    given = {
        "keep_u": (DECAY_ONE - op.du) / DECAY_ONE,
        "keep_v": (DECAY_ONE - op.dv) / DECAY_ONE,
        "bias_q": op.bias_q,
        "initial_q": op.initial_q,
        "fire_at": op.fire_at,
        "subtracts_q": op.subtracts_q,
        **({} if op.v_min_q is None else {"v_min_q": op.v_min_q}),
    }
    return {name: _column(op, values) for name, values in given.items()}


def _column(op: IntLIF, values: Array) -> Column:
    if np.ndim(values) == 0:
        return float(values)
    return np.broadcast_to(values, op.shape).reshape(-1, 1).astype(np.float64)


def _drive(currents: list[Array], t: int, part: slice, shape: tuple[int, ...]) -> Reals:
    """a[t] << 6 of the neurons in `part`, a new array."""
    if not currents:
        return np.zeros(shape)
    groups = (a[t if len(a) > 1 else 0, part] for a in currents)
    total: Reals = np.multiply(next(groups), 1 << CURRENT_SHIFT, dtype=np.float64)
    for a in groups:
        total += np.multiply(a, 1 << CURRENT_SHIFT, dtype=np.float64)
    return total


class _Block:
    """Some neurons of a layer: views of its parameters and states, which change step by step; all `(n, N)`."""

    def __init__(
        self,
        op: IntLIF,
        checked: bounds.Checked,
        columns: dict[str, Column],
        u: Reals,
        v: Reals,
        waiting: npt.NDArray[np.int64],
    ) -> None:
        self._op, self._columns = op, columns
        self._checked = checked
        self._remembers = op.remembers_current
        self._u, self.v, self._waiting = u, v, waiting
        self.overflows = 0

    def step(self, u: Reals, spikes: Array) -> None:
        """One step; `u` holds a << 6, and becomes u at the step's end. Spikes are written to `spikes`."""
        if self._remembers:
            u += _decay(self._u, self._columns["keep_u"])
        self._hold(u, self._checked.u)
        resting = self._waiting > 0 if self._op.refractory else None
        before = self.v if resting is None else self.v.copy()
        v = _decay(self.v, self._columns["keep_v"])
        v += u
        v += self._columns["bias_q"]
        if resting is not None:
            np.copyto(v, 0, where=resting)
        self._hold(v, self._checked.v)
        if "v_min_q" in self._columns:
            np.maximum(v, self._columns["v_min_q"], out=v)
        if resting is not None:
            np.copyto(v, before, where=resting)
        if self._op.reset != "none":
            self._fire(u, resting, spikes)
        if self._remembers:
            self._u[...] = u

    def _fire(self, u: Reals, resting: npt.NDArray[np.bool_] | None, spikes: Array) -> None:
        """Count spikes, and change u and v by them."""
        op, columns = self._op, self._columns
        fires = self.v >= columns["fire_at"]
        if resting is not None:
            fires &= ~resting
        if op.max_spikes == 1:
            spikes[...] = fires
        else:
            fitting = np.floor((self.v - columns["fire_at"]) / columns["subtracts_q"]) + 1
            np.copyto(spikes, np.minimum(fitting, op.max_spikes) * fires, casting="unsafe")
        if op.reset == "subtract":
            self.v -= np.multiply(spikes, columns["subtracts_q"], dtype=np.float64)
        else:
            self.v *= ~fires
        if op.clear_current:
            u *= ~fires
        if op.refractory:
            self._waiting[...] = np.where(fires, op.refractory, np.maximum(self._waiting - 1, 0))

    def _hold(self, x: Reals, register: Register | None) -> None:
        """What the register holds after x is written to it, in place; what it cannot hold is counted."""
        if register is None or (x.min() >= register.low and x.max() <= register.high):
            return
        self.overflows += register.overflows(x)
        if register.overflow == "saturate":
            np.clip(x, register.low, register.high, out=x)
        else:
            x -= np.floor((x - register.low) / (1 << register.bits)) * (1 << register.bits)


def _decay(x: Reals, keep: Column) -> Reals:
    """x * keep, toward zero, in place."""
    if isinstance(keep, float) and keep == 1.0:
        return x
    x *= keep
    return np.trunc(x, out=x)
