"""Synapses for many samples side by side, which none of Lava's processes can do."""

from __future__ import annotations

from math import prod
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

from neurodeploy.ir import IntSynapses, Shape
from neurodeploy.semantics.synapses import Synapses


class BatchSynapses(AbstractProcess):  # type: ignore[misc]
    """One group of synapses `op` for a batch of B samples: a[t] = shift(W x[t], exponent), one time step later.

    `given`, `made`: shapes of what one sample sends and gets; `largest_input` bounds |x|, which decides the float type
    in which the sums are exact (`neurodeploy.semantics.synapses`). Ports: `s_in` `(B, in)`, `a_out` `(B, out)`.
    """

    def __init__(
        self, *, op: IntSynapses, given: Shape, made: Shape, batch: int, largest_input: int, name: str
    ) -> None:
        super().__init__(op=op, given=given, made=made, largest_input=largest_input, name=name)
        self.s_in = InPort(shape=(batch, prod(given)))
        self.a_out = OutPort(shape=(batch, prod(made)))
        self.a_buff = Var(shape=(batch, prod(made)), init=0)


@implements(proc=BatchSynapses, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyBatchSynapses(PyLoihiProcessModel):  # type: ignore[misc]
    """`BatchSynapses` on the CPU."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    a_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    a_buff: Any = LavaPyType(np.ndarray, np.int64)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._synapses = Synapses(proc_params["op"], proc_params["largest_input"])
        self._given: Shape = proc_params["given"]

    def run_spk(self) -> None:
        """One time step: sends the currents of the step before, as Lava's own synapses do."""
        self.a_out.send(self.a_buff)
        x = self.s_in.recv()
        if x.any():
            # The samples are the last axis of what the sums take and give, and the first of a port.
            sums = self._synapses(x.T.reshape(1, *self._given, len(x)))
            self.a_buff = sums.reshape(-1, len(x)).T.astype(np.int64)
        else:
            self.a_buff = np.zeros_like(self.a_buff)
