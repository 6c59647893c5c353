"""What executes each kind of operation over a window of time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import UnsupportedError
from neurodeploy.ir import Delay, Flatten, Graph, IntConv, IntDense, IntLIF, Op, Output
from neurodeploy.semantics import Registers, bounds
from neurodeploy.semantics.synapses import Synapses
from neurodeploy.targets.engine.delay import DelayLine
from neurodeploy.targets.engine.neurons import Neurons
from neurodeploy.targets.engine.storage import integer_type

Array = npt.NDArray[Any]


class Layer(Protocol):
    """One layer while a batch runs.

    Values are arrays `(T, *shape, N)`, or `(1, *shape, N)` where they are the same in every step. Samples come
    last, so that one step of one neuron is a contiguous run of numbers whatever the shape.
    """

    def reset(self, samples: int) -> None:
        """Go to the reset state, for a batch of `samples`."""
        ...

    def advance(self, inputs: list[Array], steps: int) -> Array:
        """The values of the next `steps` steps."""
        ...


class Stateless:
    """A layer whose result depends on this step's input alone."""

    def __init__(self, function: Callable[[Array], Array]) -> None:
        self._function = function

    def reset(self, samples: int) -> None:
        """Nothing to forget."""

    def advance(self, inputs: list[Array], steps: int) -> Array:
        """The function of the only input."""
        return self._function(inputs[0])


@dataclass(frozen=True, slots=True)
class Setting:
    """What a layer needs to know beyond the graph: registers, time steps of a sample, which neurons are traced.

    With `current` their currents are, too.
    """

    registers: Registers
    steps: int
    traced: frozenset[str]
    current: bool = False


def make_layer(graph: Graph, name: str, setting: Setting) -> Layer:
    """What executes layer `name`."""
    op = graph.op(name)
    if type(op) not in _MAKE:
        raise UnsupportedError(f"layer '{name}': the engine cannot run '{op.kind}'")
    return _MAKE[type(op)](graph, name, setting)


def _synapses(graph: Graph, name: str, setting: Setting) -> Layer:
    low, high = bounds.carried(graph, graph.sources(name)[0], setting.registers)
    op: Any = graph.op(name)
    return Stateless(Synapses(op, max(-low, high)))


def _neurons(graph: Graph, name: str, setting: Setting) -> Layer:
    op = graph.of(IntLIF)[name]
    limits = bounds.neurons(op, bounds.current(graph, name, setting.registers), setting.steps)
    traced = name in setting.traced
    return Neurons(op, setting.registers, limits, traced, traced and setting.current)


def _delay(graph: Graph, name: str, setting: Setting) -> Layer:
    op = graph.of(Delay)[name]
    if op.signal == "current":
        return DelayLine(op, np.float64)
    return DelayLine(op, integer_type(*bounds.carried(graph, name, setting.registers)))


def _reshape(graph: Graph, name: str, setting: Setting) -> Layer:
    shape = graph.types[name].shape
    return Stateless(lambda x: x.reshape(len(x), *shape, x.shape[-1]))


_MAKE: dict[type[Op], Callable[[Graph, str, Setting], Layer]] = {
    IntDense: _synapses,
    IntConv: _synapses,
    IntLIF: _neurons,
    Delay: _delay,
    Flatten: _reshape,
    Output: _reshape,
}
