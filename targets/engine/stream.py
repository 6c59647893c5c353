"""Streams: a network one time step at a time, its state between steps in the caller's hands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import IntArray
from neurodeploy.errors import InputError
from neurodeploy.ir import Graph, IntLIF
from neurodeploy.network import Network, Stimulus, quantize_input
from neurodeploy.targets.engine.delay import DelayLine
from neurodeploy.targets.engine.machine import Machine
from neurodeploy.targets.engine.neurons import Neurons

ANY_STEPS = 1 << 40
"""A stream has no end: the registers that a bound over so many steps does not prove wide enough are checked."""

State = Mapping[str, IntArray]
"""`NAME.v`, `NAME.u`, `NAME.waiting` `(N, *shape)` of neurons, `NAME.line` `(steps, N, *shape)` of delays."""


class Core(Protocol):
    """What computes the steps of a stream: machine code, or NumPy."""

    def reset(self) -> None:
        """Go to the reset state."""
        ...

    def step(self, x_q: npt.NDArray[Any]) -> IntArray:
        """The next step, `(N, *in)` -> `(N, *out)`."""
        ...

    def state(self) -> dict[str, IntArray]:
        """A copy of what is remembered."""
        ...

    def restore(self, state: State) -> None:
        """Go on from there."""
        ...


class Stream:
    """A network that runs `batch` samples side by side, step by step, for closed loops.

    `step` gives the spikes of the output of each step, or the potentials of a readout, int64 `(batch, *out)`. A stream
    runs for as many steps as wanted; the bits are those of `Network.run`.
    """

    def __init__(self, network: Network, batch: int, core: Core) -> None:
        self._input, self._network, self.batch = network.input, network, batch
        self._core = core
        self._shapes = {name: value.shape for name, value in core.state().items()}
        self.steps = 0

    def reset(self) -> None:
        """Back to the reset state."""
        self._core.reset()
        self.steps = 0

    def step(self, x: npt.ArrayLike) -> IntArray:
        """One step for real input `(batch, *shape)`; the scale of the input makes it integers, as in `Network.run`.

        Raises `InputError` for another shape, and for NaN or infinite values.
        """
        given = np.asarray(x)
        if len(given) != self.batch:
            raise InputError(f"the stream runs {self.batch} samples side by side, not {len(given)}")
        return self.step_q(quantize_input(self._input, given, 1, False).x)

    def step_q(self, x_q: npt.NDArray[Any]) -> IntArray:
        """One step for integers `(batch, *shape)` within the range of the input.

        Raises `InputError` for another shape or range.
        """
        op = self._input
        if x_q.shape != (self.batch, *op.shape) or x_q.dtype.kind not in "iu":
            raise InputError(
                f"the stream takes integers of shape {(self.batch, *op.shape)}, not {x_q.dtype} {x_q.shape}"
            )
        if x_q.min() < op.low or x_q.max() > op.high:
            raise InputError(
                f"the input holds values {x_q.min()}..{x_q.max()}, but the network was compiled for {op.low}..{op.high}"
            )
        self.steps += 1
        return self._core.step(x_q)

    def state(self) -> dict[str, IntArray]:
        """A copy of all potentials, currents, resting times and delay lines: what the next step depends on."""
        return self._core.state()

    def restore(self, state: State) -> None:
        """Go on from a state that `state` gave, of this stream or of another of the same network and batch.

        Raises `InputError` where names or shapes are not this network's, or a value cannot be one of its state.
        """
        shapes = {name: np.shape(value) for name, value in state.items()}
        if shapes != self._shapes:
            wrong = sorted({n for n, _ in shapes.items() ^ self._shapes.items()})
            name = wrong[0]
            raise InputError(
                f"the state's '{name}' has shape {shapes.get(name, 'none')}; "
                f"the stream's has {self._shapes.get(name, 'none')}"
            )
        for name, value in state.items():
            _require_possible(self._network, name, np.asarray(value))
        self._core.restore(state)


def _require_possible(network: Network, name: str, value: npt.NDArray[Any]) -> None:
    layer, kind = name.rsplit(".", 1)
    op = network.graph.op(layer)
    if value.dtype.kind not in "iu":
        raise InputError(f"the state's '{name}' must hold integers, not {value.dtype}")
    if isinstance(op, IntLIF):
        ends = {
            "v": max(1 << 31, 0),
            "u": 1 << (network.registers.u.bits - 1),
            "waiting": op.refractory,
        }
        if kind == "v":
            given = [p for p in (op.initial_q, op.subtracts_q, op.v_min_q) if p is not None]
            ends["v"] = max(1 << (network.registers.v.bits - 1), *(int(np.abs(p).max()) for p in given))
        if np.abs(value).max() > ends[kind]:
            raise InputError(
                f"the state's '{name}' reaches {np.abs(value).max()}; at most {ends[kind]} is possible"
            )


class NumpyCore:
    """Steps on the NumPy machine."""

    def __init__(self, network: Network, batch: int) -> None:
        graph: Graph = network.graph
        self._machine = Machine(network, ANY_STEPS, frozenset({graph.output}))
        self._batch, self._network = batch, network
        layers = self._machine.layers
        self._neurons = {n: layer for n, layer in layers.items() if isinstance(layer, Neurons)}
        self._lines = {n: layer for n, layer in layers.items() if isinstance(layer, DelayLine)}
        self._shapes = {n: op.shape for n, op in graph.of(IntLIF).items()}
        self.reset()

    def reset(self) -> None:
        """See `Core`."""
        self._machine.reset(self._batch)

    def step(self, x_q: npt.NDArray[Any]) -> IntArray:
        """See `Core`."""
        stimulus = Stimulus(x_q[np.newaxis].astype(np.int64), 1, False)
        found: IntArray = self._machine.advance(stimulus).values(self._network.graph.output)[0]
        return found

    def state(self) -> dict[str, IntArray]:
        """See `Core`."""
        found = {}
        for name, layer in self._neurons.items():
            for kind, values in layer.states().items():
                natural = values.T.reshape(self._batch, *self._shapes[name])
                found[f"{name}.{kind}"] = natural.astype(np.int64)
        for name, line in self._lines.items():
            found[f"{name}.line"] = np.moveaxis(line.line, -1, 1).astype(np.int64)
        return found

    def restore(self, state: State) -> None:
        """See `Core`."""
        for name, layer in self._neurons.items():
            for kind, values in layer.states().items():
                values[...] = np.asarray(state[f"{name}.{kind}"]).reshape(self._batch, -1).T
        for name, line in self._lines.items():
            line.line = np.moveaxis(np.asarray(state[f"{name}.line"]), 1, -1).astype(line.line.dtype)
