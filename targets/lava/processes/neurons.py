"""Leaky integrate-and-fire neurons as a Lava process."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from neurodeploy.ir import IntLIF
from neurodeploy.semantics import Registers, State, step
from neurodeploy.targets.lava.boards import attach
from neurodeploy.targets.lava.window import Window


class LIF(AbstractProcess):  # type: ignore[misc]
    """The neurons of one `IntLIF` layer, step by step as `neurodeploy.semantics.step` computes them.

    Lava's stock LIF has neither the soft reset, nor >=, nor a threshold finer than 64 units, nor a readout.

    In `window` every sample starts from the reset state; outside it the neurons neither integrate nor add their
    bias, and send 0. The last `idle` places of the last batch hold no sample: their neurons rest. `overflows` is a
    board `(1,)` int64 that counts values of u and v that `registers` could not hold.

    Ports, all `shape` (`(n,)`, or `(B, n)` for a batch of samples side by side): `a_in` synaptic input; `s_out`
    spikes; `u_out` current and `v_out` potential at the end of the step, after the reset; `p_out` potential as it was
    compared with the threshold. Variables: `u`, `v` and, for neurons with refractory time, the steps to wait.
    """

    def __init__(
        self,
        *,
        op: IntLIF,
        shape: tuple[int, ...],
        registers: Registers,
        window: Window,
        idle: int,
        overflows: Path,
        name: str,
    ) -> None:
        super().__init__(
            op=op,
            shape=shape,
            registers=registers,
            window=window,
            idle=idle,
            overflows=overflows,
            name=name,
        )
        self.a_in = InPort(shape=shape)
        self.s_out = OutPort(shape=shape)
        self.u_out = OutPort(shape=shape)
        self.v_out = OutPort(shape=shape)
        self.p_out = OutPort(shape=shape)
        self.u = Var(shape=shape, init=0)
        self.v = Var(shape=shape, init=0)
        self.waiting = Var(shape=shape, init=0)


@implements(proc=LIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyLIF(PyLoihiProcessModel):  # type: ignore[misc]
    """`LIF` on the CPU."""

    # 64 bits, so that sums of several groups of synapses cannot wrap before u's register is asked.
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int64)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    u_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    v_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    p_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    u: Any = LavaPyType(np.ndarray, np.int64)
    v: Any = LavaPyType(np.ndarray, np.int64)
    waiting: Any = LavaPyType(np.ndarray, np.int64)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._op: IntLIF = proc_params["op"]
        self._registers: Registers = proc_params["registers"]
        self._window: Window = proc_params["window"]
        self._overflows = attach(proc_params["overflows"], writable=True)
        self._silence = np.zeros(proc_params["shape"], np.int64)
        self._batch = 1 if self._silence.ndim == 1 else len(self._silence)
        self._idle: int = proc_params["idle"]
        # Few samples at a time: the dozen arrays of a step then stay in the cache.
        self._block = max(1, (1 << 14) // prod(self._op.shape))

    def run_spk(self) -> None:
        """One time step; receives even outside the window, since synapses send in every step."""
        current = self.a_in.recv()
        place = self._window.place(self.time_step)
        if place is None:
            self._send(self._silence, self._silence, self._silence, self._silence)
            return
        busy = self._batch - (self._idle if place[0] == self._window.rounds - 1 else 0)
        if place[1] == 0:
            self._reset(busy)
        spikes, potential = np.zeros_like(self._silence), np.zeros_like(self._silence)
        for first in range(0, busy, self._block):
            rows = slice(first, min(first + self._block, busy))
            done = step(self._op, self._registers, self._state(rows), self._samples(current)[rows])
            self._overflows[0] += done.overflows
            self._keep(rows, done.state)
            self._samples(spikes)[rows], self._samples(potential)[rows] = done.spikes, done.potential
        self._send(spikes, self.u, self.v, potential)

    def _samples(self, values: Any) -> Any:
        """A view of an array of the ports' shape, `(B, *shape)`."""
        return values.reshape(self._batch, *self._op.shape)

    def _reset(self, busy: int) -> None:
        self.u, self.v, self.waiting = (np.zeros_like(self._silence) for _ in range(3))
        self._samples(self.v)[:busy] = self._op.initial_q

    def _state(self, rows: slice) -> State:
        waiting = self._samples(self.waiting)[rows] if self._op.refractory else None
        return State(self._samples(self.u)[rows], self._samples(self.v)[rows], waiting)

    def _keep(self, rows: slice, state: State) -> None:
        self._samples(self.u)[rows], self._samples(self.v)[rows] = state.u, state.v
        if state.waiting is not None:
            self._samples(self.waiting)[rows] = state.waiting

    def _send(self, spikes: Any, current: Any, membrane: Any, potential: Any) -> None:
        self.s_out.send(spikes)
        self.u_out.send(current)
        self.v_out.send(membrane)
        self.p_out.send(potential)
