"""The ends of a network: where samples come from and where results go."""

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
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from neurodeploy.targets.lava.boards import attach
from neurodeploy.targets.lava.window import Window


class Source(AbstractProcess):  # type: ignore[misc]
    """Sends the samples of a file one after the other, each for the window's number of steps, then zeros.

    `frames` is a board int32, `(N, n)` for static samples (the same frame every step), else `(T, N, n)`.
    Port: `s_out` `(n,)`.
    """

    def __init__(self, *, size: int, frames: Path, window: Window, name: str) -> None:
        super().__init__(size=size, frames=frames, window=window, name=name)
        self.s_out = OutPort(shape=(size,))


@implements(proc=Source, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PySource(PyLoihiProcessModel):  # type: ignore[misc]
    """`Source` on the CPU."""

    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._frames = attach(proc_params["frames"])
        self._window: Window = proc_params["window"]
        self._nothing = np.zeros(proc_params["size"], np.int32)

    def run_spk(self) -> None:
        """Send the frame of this time step."""
        place = self._window.place(self.time_step)
        if place is None:
            self.s_out.send(self._nothing)
            return
        sample, t = place
        self.s_out.send(self._frames[sample] if self._frames.ndim == 2 else self._frames[t, sample])


class Sink(AbstractProcess):  # type: ignore[misc]
    """Writes what one layer sends in its window, one row a step, into boards.

    `spikes` `(N * T, n)` int8; `membrane` `(N * T, n)` int32, or None where it is not wanted; `progress`
    `(1,)` int64 counts the rows written, or None. Ports `(n,)`: `s_in`, `v_in`.
    """

    def __init__(
        self,
        *,
        size: int,
        window: Window,
        spikes: Path,
        membrane: Path | None = None,
        progress: Path | None = None,
        name: str,
    ) -> None:
        super().__init__(window=window, spikes=spikes, membrane=membrane, progress=progress, name=name)
        self.s_in = InPort(shape=(size,))
        self.v_in = InPort(shape=(size,))


@implements(proc=Sink, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PySink(PyLoihiProcessModel):  # type: ignore[misc]
    """`Sink` on the CPU."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    v_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._window: Window = proc_params["window"]
        self._spikes, self._membrane, self._progress = (
            path and attach(path, writable=True)
            for path in (proc_params["spikes"], proc_params["membrane"], proc_params["progress"])
        )

    def run_spk(self) -> None:
        """Write this step's row."""
        spikes, membrane = self.s_in.recv(), self.v_in.recv()
        row = self.time_step - self._window.first
        if self._window.place(self.time_step) is None:
            return
        self._spikes[row] = spikes
        if self._membrane is not None:
            self._membrane[row] = membrane
        if self._progress is not None:
            self._progress[0] = row + 1
