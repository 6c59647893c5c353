"""Reads what Lava's own neurons keep to themselves: their current and potential."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyRefPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, RefPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from neurodeploy.targets.lava.boards import wanted
from neurodeploy.targets.lava.window import Window


class Probe(AbstractProcess):  # type: ignore[misc]
    """Writes what one layer did in its window, one row a step, into boards: `Sink` for neurons without `v_out`.

    `spikes`, `membrane`, `current` `(N * T, n)` int32 and `progress` `(1,)` int64 as those of `Sink`; `membrane`,
    `current` and `progress` are None where they are not wanted. Port `s_in` `(n,)`; `v` and `u` `(n,)` are connected to
    the variables of the neurons, and read at the end of each step.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, ...],
        window: Window,
        spikes: Path,
        membrane: Path | None = None,
        current: Path | None = None,
        progress: Path | None = None,
        name: str,
    ) -> None:
        super().__init__(
            window=window, spikes=spikes, membrane=membrane, current=current, progress=progress, name=name
        )
        self.s_in = InPort(shape=shape)
        self.v = RefPort(shape=shape)
        self.u = RefPort(shape=shape)


@implements(proc=Probe, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyProbe(PyLoihiProcessModel):  # type: ignore[misc]
    """`Probe` on the CPU."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    v: PyRefPort = LavaPyType(PyRefPort.VEC_DENSE, np.int32)
    u: PyRefPort = LavaPyType(PyRefPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._window: Window = proc_params["window"]
        self._spikes, self._membrane, self._current, self._progress = wanted(
            proc_params, ("spikes", "membrane", "current", "progress")
        )

    def run_spk(self) -> None:
        """Write this step's spikes."""
        spikes = self.s_in.recv()
        if (row := self._window.row(self.time_step)) is not None:
            self._spikes[row] = spikes

    def post_guard(self) -> bool:
        """Variables are read where there is something to write."""
        return self._window.row(self.time_step) is not None

    def run_post_mgmt(self) -> None:
        """Write what the neurons hold at the end of this step."""
        if (row := self._window.row(self.time_step)) is None:
            return
        for board, port in ((self._membrane, self.v), (self._current, self.u)):
            if board is not None:
                board[row] = port.read()
        if self._progress is not None:
            self._progress[0] = row + 1
