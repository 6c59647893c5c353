"""The engine as a back end."""

from __future__ import annotations

import os
from importlib.util import find_spec
from time import perf_counter

from neurodeploy.backend import (
    IntArray,
    Learned,
    OnSnapshot,
    Progress,
    Result,
    no_progress,
    no_snapshot,
    require_stimulus,
)
from neurodeploy.errors import InputError
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import ThreeFactorRule
from neurodeploy.semantics.learning import LearningState
from neurodeploy.targets.engine.cold import Patience
from neurodeploy.targets.engine.learn import learn
from neurodeploy.targets.engine.run import result, run
from neurodeploy.targets.engine.stream import NumpyCore, Stream
from neurodeploy.threads import threads


class Engine:
    """Our own batched integer engine: exact, bounded memory, all processors.

    With numba it runs as machine code, `neurodeploy.targets.engine.compiled`; without, or with `NUMBA_DISABLE_JIT=1`,
    on NumPy. The bits are the same.
    Machine code is compiled once on a machine; short runs do not wait for it, but take NumPy. `compiled`: always
    machine code, or never.
    """

    name = "engine"
    summary = "our own batched integer engine; the reference"

    def __init__(self, compiled: bool | None = None) -> None:
        self._compiled = _numba_compiles() if compiled is None else compiled
        self._patience = Patience() if compiled is None else None

    def missing(self) -> str | None:
        """Always usable."""
        return None

    def run(
        self,
        network: Network,
        stimulus: Stimulus,
        *,
        trace: bool = False,
        current: bool = False,
        progress: Progress = no_progress,
    ) -> Result:
        """See `neurodeploy.backend.Backend.run`; currents are kept on NumPy alone."""
        require_stimulus(network, stimulus)
        traced = frozenset(network.neurons if trace else ())
        is_compiled = self._compiled and not (trace and current) and self._prepare(network, stimulus)
        start = perf_counter()
        if is_compiled:
            from neurodeploy.targets.engine.compiled.run import run as run_compiled

            found = run_compiled(network, stimulus, traced, progress, threads())
            output, traces, overflows = found.output, found.traces, found.overflows
        else:
            output, traces, overflows = run(network, stimulus, traced, current, progress)
        return result(self.name, network, output, perf_counter() - start, traces, overflows)

    def _prepare(self, network: Network, stimulus: Stimulus) -> bool:
        """True where this run takes machine code, which is then there."""
        from neurodeploy.targets.engine.compiled.kernel import is_compiled, kernel
        from neurodeploy.targets.engine.compiled.run import number_type

        number = number_type(network, stimulus.steps)
        if not is_compiled(number):
            if self._patience is not None and self._patience.lasts(network, stimulus):
                return False
            kernel(number)
        return True

    def stream(self, network: Network, batch: int = 1) -> Stream:
        """See `neurodeploy.backend.StreamingBackend.stream`."""
        if type(batch) is not int or batch < 1:
            raise InputError(f"a stream runs a whole number of samples side by side, not {batch!r}")
        if self._compiled:
            from neurodeploy.targets.engine.compiled.stream import CompiledCore

            return Stream(network, batch, CompiledCore(network, batch))
        return Stream(network, batch, NumpyCore(network, batch))

    def learn(
        self,
        network: Network,
        rule: ThreeFactorRule,
        stimulus: Stimulus,
        labels: IntArray,
        *,
        start: LearningState | None = None,
        snapshot_at: tuple[int, ...] = (),
        on_snapshot: OnSnapshot = no_snapshot,
        progress: Progress = no_progress,
    ) -> Learned:
        """See `neurodeploy.backend.LearningBackend.learn`."""
        return learn(network, rule, stimulus, labels, start, snapshot_at, on_snapshot, progress)


def _numba_compiles() -> bool:
    """False where numba is not there, or was told to leave Python as it is."""
    return find_spec("numba") is not None and os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")


ENGINE = Engine()
