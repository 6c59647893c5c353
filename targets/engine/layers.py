"""What executes each kind of operation over a window of time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from neurodeploy.errors import UnsupportedError
from neurodeploy.ir import Delay, Flatten, Graph, IntConv, IntDense, IntLIF, Op, Output
from neurodeploy.semantics import Registers, bounds
from neurodeploy.targets.engine.delay import DelayLine
from neurodeploy.targets.engine.library import Array, Layer, Library


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

    None steps: see `bounds.checked`. With `current` the currents of traced neurons are traced, too.
    """

    registers: Registers
    steps: int | None
    traced: frozenset[str]
    current: bool = False


def make_layer(graph: Graph, name: str, setting: Setting, library: Library) -> Layer:
    """What executes layer `name`."""
    op = graph.op(name)
    if type(op) not in _MAKE:
        raise UnsupportedError(f"layer '{name}': the engine cannot run '{op.kind}'")
    return _MAKE[type(op)](graph, name, setting, library)


def _synapses(graph: Graph, name: str, setting: Setting, library: Library) -> Layer:
    low, high = bounds.carried(graph, graph.sources(name)[0], setting.registers)
    op: Any = graph.op(name)
    return Stateless(library.synapses(op, max(-low, high)))


def _neurons(graph: Graph, name: str, setting: Setting, library: Library) -> Layer:
    op = graph.of(IntLIF)[name]
    checked = bounds.checked(graph, name, setting.registers, setting.steps)
    traced = name in setting.traced
    return library.neurons(op, setting.registers, checked, traced, traced and setting.current)


def _delay(graph: Graph, name: str, setting: Setting, library: Library) -> Layer:
    op = graph.of(Delay)[name]
    carried = (0, 0) if op.signal == "current" else bounds.carried(graph, name, setting.registers)
    return DelayLine(op, *carried, library)


def _reshape(graph: Graph, name: str, setting: Setting, library: Library) -> Layer:
    shape = graph.types[name].shape
    return Stateless(lambda x: library.shaped(x, shape))


_MAKE: dict[type[Op], Callable[[Graph, str, Setting, Library], Layer]] = {
    IntDense: _synapses,
    IntConv: _synapses,
    IntLIF: _neurons,
    Delay: _delay,
    Flatten: _reshape,
    Output: _reshape,
}
