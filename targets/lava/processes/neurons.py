"""Leaky integrate-and-fire neurons as a Lava process."""

from __future__ import annotations

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

    In `window` every sample starts from u = v = 0; outside it the neurons neither integrate nor add their
    bias, and send 0. `overflows` is a board `(1,)` int64 that counts values of u and v that `registers` could
    not hold.

    Ports, all `(n,)`: `a_in` synaptic input; `s_out` spikes 0/1; `v_out` potential at the end of the step,
    after the reset; `p_out` potential as it was compared with the threshold.
    """

    def __init__(
        self, *, op: IntLIF, registers: Registers, window: Window, overflows: Path, name: str
    ) -> None:
        super().__init__(op=op, registers=registers, window=window, overflows=overflows, name=name)
        self.a_in = InPort(shape=op.shape)
        self.s_out = OutPort(shape=op.shape)
        self.v_out = OutPort(shape=op.shape)
        self.p_out = OutPort(shape=op.shape)
        self.u = Var(shape=op.shape, init=0)
        self.v = Var(shape=op.shape, init=0)


@implements(proc=LIF, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyLIF(PyLoihiProcessModel):  # type: ignore[misc]
    """`LIF` on the CPU."""

    # 64 bits, so that sums of several groups of synapses cannot wrap before u's register is asked.
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int64)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    v_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    p_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    u: Any = LavaPyType(np.ndarray, np.int64)
    v: Any = LavaPyType(np.ndarray, np.int64)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._op: IntLIF = proc_params["op"]
        self._registers: Registers = proc_params["registers"]
        self._window: Window = proc_params["window"]
        self._overflows = attach(proc_params["overflows"], writable=True)
        self._silence = np.zeros(self._op.shape, np.int64)

    def run_spk(self) -> None:
        """One time step; receives even outside the window, since synapses send in every step."""
        current = self.a_in.recv()
        place = self._window.place(self.time_step)
        if place is None:
            self._send(self._silence, self._silence, self._silence)
            return
        before = State.zeros(self._op.shape) if place[1] == 0 else State(self.u, self.v)
        done = step(self._op, self._registers, before, current)
        self.u, self.v = done.state.u, done.state.v
        self._overflows[0] += done.overflows
        self._send(done.spikes, done.state.v, done.potential)

    def _send(self, spikes: Any, membrane: Any, potential: Any) -> None:
        self.s_out.send(spikes)
        self.v_out.send(membrane)
        self.p_out.send(potential)
