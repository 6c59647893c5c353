"""A delay line: holds what a layer sends back until the layers behind its synapses compute."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from neurodeploy.targets.lava.window import Window


class DelayLine(AbstractProcess):  # type: ignore[misc]
    """Sends what it received `wait` Lava time steps ago, zeros at first.

    With a `delay` of d model steps the last d steps of a sample belong to no step of it any more; they are dropped,
    so that each sample starts with zeros. `window` is that of the layer that feeds it. Ports `shape`: `s_in`,
    `s_out`.
    """

    def __init__(self, *, shape: tuple[int, ...], wait: int, delay: int, window: Window, name: str) -> None:
        super().__init__(shape=shape, wait=wait, delay=delay, window=window, name=name)
        self.s_in = InPort(shape=shape)
        self.s_out = OutPort(shape=shape)


@implements(proc=DelayLine, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyDelayLine(PyLoihiProcessModel):  # type: ignore[misc]
    """`DelayLine` on the CPU."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._window: Window = proc_params["window"]
        self._delay: int = proc_params["delay"]
        self._nothing = np.zeros(proc_params["shape"], np.int32)
        self._line = deque([self._nothing] * proc_params["wait"])

    def run_spk(self) -> None:
        """One time step; every loop goes through synapses too, which send before they receive."""
        arrived = self.s_in.recv()
        place = self._window.place(self.time_step)
        lost = place is None or place[1] + self._delay >= self._window.steps
        self._line.append(self._nothing if lost else arrived.copy())
        self.s_out.send(self._line.popleft())
