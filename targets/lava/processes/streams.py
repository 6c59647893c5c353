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

from neurodeploy.targets.lava.boards import attach, wanted
from neurodeploy.targets.lava.window import Window


class Source(AbstractProcess):  # type: ignore[misc]
    """Sends the samples of a file one after the other, each for the window's number of steps, then zeros.

    `frames` is a board int32, `(N, n)` for static samples (the same frame every step), else `(T, N, n)`.
    Port: `s_out` `shape`, `(n,)` or `(B, n)` for a batch of samples side by side; N is a multiple of B.
    """

    def __init__(self, *, shape: tuple[int, ...], frames: Path, window: Window, name: str) -> None:
        super().__init__(shape=shape, frames=frames, window=window, name=name)
        self.s_out = OutPort(shape=shape)


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
        self._nothing = np.zeros(proc_params["shape"], np.int32)
        self._batch = 1 if self._nothing.ndim == 1 else len(self._nothing)

    def run_spk(self) -> None:
        """Send the frame of this time step."""
        place = self._window.place(self.time_step)
        if place is None:
            self.s_out.send(self._nothing)
            return
        number, t = place
        samples = slice(number * self._batch, (number + 1) * self._batch)
        frames = self._frames[samples] if self._frames.ndim == 2 else self._frames[t, samples]
        self.s_out.send(frames.reshape(self._nothing.shape))


class Sink(AbstractProcess):  # type: ignore[misc]
    """Writes what one layer sends in its window, one row a step, into boards.

    `spikes` `(N * T, n)`, `(N * T, B * n)` for a batch; `membrane` and `current` the same, int32, or None where they
    are not wanted; `progress` `(1,)` int64 counts the rows written, or None. Ports `shape`: `s_in`, `v_in`, `u_in`.
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
        self.v_in = InPort(shape=shape)
        self.u_in = InPort(shape=shape)


@implements(proc=Sink, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PySink(PyLoihiProcessModel):  # type: ignore[misc]
    """`Sink` on the CPU."""

    s_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    v_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    u_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)

    def __init__(self, proc_params: Any) -> None:
        super().__init__(proc_params)
        self._window: Window = proc_params["window"]
        self._spikes, self._membrane, self._current, self._progress = wanted(
            proc_params, ("spikes", "membrane", "current", "progress")
        )

    def run_spk(self) -> None:
        """Write this step's row."""
        spikes, membrane, current = self.s_in.recv(), self.v_in.recv(), self.u_in.recv()
        if (row := self._window.row(self.time_step)) is None:
            return
        self._spikes[row] = spikes.reshape(-1)
        if self._membrane is not None:
            self._membrane[row] = membrane.reshape(-1)
        if self._current is not None:
            self._current[row] = current.reshape(-1)
        if self._progress is not None:
            self._progress[0] = row + 1
