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
from neurodeploy.semantics import Register, bounds
from neurodeploy.targets.engine.delay import DelayLine
from neurodeploy.targets.engine.machine import Machine
from neurodeploy.targets.engine.neurons import Neurons

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
        if given.shape[:1] != (self.batch,):
            count = len(given) if given.ndim else "one number"
            raise InputError(f"the stream runs {self.batch} samples side by side, not {count}")
        return self.step_q(quantize_input(self._input, given, 1, False).x)

    def step_q(self, x_q: npt.ArrayLike) -> IntArray:
        """One step for integers `(batch, *shape)` within the range of the input.

        Raises `InputError` for another shape or range.
        """
        op, x_q = self._input, np.asarray(x_q)
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

        A state made by hand is as good: any that registers and delay lines can hold. Raises `InputError` where names or
        shapes are not this network's, or a value cannot be one of its state.
        """
        given = {name: np.asarray(value) for name, value in state.items()}
        shapes = {name: value.shape for name, value in given.items()}
        if shapes != self._shapes:
            wrong = sorted({n for n, _ in shapes.items() ^ self._shapes.items()})
            name = wrong[0]
            raise InputError(
                f"the state's '{name}' has shape {shapes.get(name, 'none')}; "
                f"the stream's has {self._shapes.get(name, 'none')}"
            )
        for name, value in given.items():
            _require_possible(self._network, name, value)
        self._core.restore({name: value.astype(np.int64) for name, value in given.items()})


def _require_possible(network: Network, name: str, value: npt.NDArray[Any]) -> None:
    if value.dtype.kind not in "iu":
        raise InputError(f"the state's '{name}' must hold integers, not {value.dtype}")
    low, high = (np.broadcast_to(end, value.shape) for end in _ends(network, *name.rsplit(".", 1)))
    wrong = np.argwhere((value < low) | (value > high))
    if len(wrong):
        where = tuple(wrong[0].tolist())
        raise InputError(
            f"the state's '{name}' holds {value[where]} at {where}; only {low[where]}..{high[where]} are possible"
        )


def _ends(network: Network, layer: str, kind: str) -> tuple[npt.ArrayLike, npt.ArrayLike]:
    """Smallest and largest number that each neuron of a layer can remember as `kind`, see `State`."""
    graph, registers = network.graph, network.registers
    if kind == "line" and graph.types[layer].signal == "current":
        current = bounds.arriving(graph, layer, registers)
        return current.low, current.high
    if kind == "line":
        return bounds.carried(graph, layer, registers)
    if kind == "u":
        return registers.u.low, registers.u.high
    op = network.neurons[layer]
    return (0, op.refractory) if kind == "waiting" else _potentials(op, registers.v)


def _potentials(op: IntLIF, register: Register) -> tuple[npt.ArrayLike, npt.ArrayLike]:
    """What the register of v holds, what v starts from, and what a spike or the floor can leave."""
    floor = op.initial_q if op.v_min_q is None else op.v_min_q
    spiked = op.fire_at - op.subtracts_q if op.reset == "subtract" else op.initial_q
    low = np.minimum(register.low, np.minimum(op.initial_q, spiked))
    return low, np.maximum(register.high, np.maximum(op.initial_q, floor))


class NumpyCore:
    """Steps on the NumPy machine."""

    def __init__(self, network: Network, batch: int) -> None:
        graph: Graph = network.graph
        self._machine = Machine(network, None, frozenset({graph.output}))
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
