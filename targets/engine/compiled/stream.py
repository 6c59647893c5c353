"""Steps of a stream in machine code."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import IntArray
from neurodeploy.network import Network
from neurodeploy.targets.engine.compiled.plan import make_plan
from neurodeploy.targets.engine.compiled.program import Program
from neurodeploy.targets.engine.stream import State


class CompiledCore:
    """One program with windows of one step; see `neurodeploy.targets.engine.stream.Core`."""

    def __init__(self, network: Network, batch: int) -> None:
        self._plan = make_plan(network, None)
        self._program = Program(self._plan, batch, 1, frozenset(), False)
        self._program.reset(batch)
        self._given, self._input = (
            self._plan.signals[self._plan.input],
            self._program.signal(self._plan.input, 1)[0],
        )
        output = self._plan.graph.output
        self._shown, self._output = self._plan.signals[output], self._program.signal(output, 1)[0]

    def reset(self) -> None:
        """See `Core`."""
        self._program.reset(len(self._input))

    def step(self, x_q: npt.NDArray[Any]) -> IntArray:
        """See `Core`."""
        self._given.read(x_q, self._input)
        self._program.advance(1)
        return self._shown.natural(self._output)

    def state(self) -> dict[str, IntArray]:
        """See `Core`."""
        return {
            name: self._plan.signals[layer].natural(values) for name, layer, values in self._program.states()
        }

    def restore(self, state: State) -> None:
        """See `Core`."""
        for name, layer, values in self._program.states():
            values[...] = self._plan.signals[layer].stored(np.asarray(state[name]))
