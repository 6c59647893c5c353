"""A network made ready to run: layer by layer over a window of time, but for cycles, which go step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import IntArray, LayerTrace
from neurodeploy.ir import Graph, IntInput, IntLIF
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import bounds
from neurodeploy.targets.engine.delay import DelayLine
from neurodeploy.targets.engine.layers import Layer, Setting, make_layer
from neurodeploy.targets.engine.neurons import Neurons
from neurodeploy.targets.engine.schedule import Stage, last_uses, stages, unchanging
from neurodeploy.targets.engine.storage import integer_type

Array = npt.NDArray[Any]
Signals = dict[str, Array]
"""Values by name of layer, in the shapes of `Layer`."""


class Machine:
    """Runs batches of `steps` steps; `keep` names layers whose values are wanted, `trace` neurons to be traced.

    With `current` their currents are traced too. Raises `FitError` for a network whose sums are not exact,
    `UnsupportedError` for an unknown operation.
    """

    def __init__(
        self,
        network: Network,
        steps: int,
        keep: frozenset[str],
        trace: frozenset[str] = frozenset(),
        current: bool = False,
    ) -> None:
        graph, setting = network.graph, Setting(network.registers, steps, trace, current)
        bounds.require_exact(graph, network.registers)
        self._graph, self._keep, self._trace = graph, keep, trace
        self._stages, self._unchanging = stages(graph), unchanging(graph)
        self._last_uses = last_uses(graph, self._stages)
        self._input = next(iter(graph.of(IntInput)))
        self.layers = {n: make_layer(graph, n, setting) for n in graph.names if n != self._input}

    def run(self, stimulus: Stimulus, window: int) -> Batch:
        """Run one batch from the reset state, `window` steps at a time."""
        self.reset(stimulus.samples)
        batch = Batch(self._graph, self.layers, self._keep, self._trace)
        signals: Signals = {}
        for first in range(0, stimulus.steps, window):
            steps = min(window, stimulus.steps - first)
            if self._input not in signals:
                signals[self._input] = _frames(self._graph.of(IntInput)[self._input], stimulus, first, steps)
            self._window(signals, steps, self._unchanging if stimulus.static else frozenset(), batch)
        return batch

    def reset(self, samples: int) -> None:
        """Go to the reset state, for a batch of `samples`."""
        for layer in self.layers.values():
            layer.reset(samples)

    def advance(self, stimulus: Stimulus) -> Batch:
        """Run these steps, whose input is not static, from where the layers are."""
        batch = Batch(self._graph, self.layers, self._keep, self._trace)
        op = self._graph.of(IntInput)[self._input]
        self._window(
            {self._input: _frames(op, stimulus, 0, stimulus.steps)}, stimulus.steps, frozenset(), batch
        )
        return batch

    def _window(self, signals: Signals, steps: int, lasting: frozenset[str], batch: Batch) -> None:
        """All layers for `steps` steps; of the signals only those of `lasting` layers remain."""
        for stage, unused in zip(self._stages, self._last_uses, strict=True):
            if stage.cyclic:
                signals |= self._cycle(stage, signals, steps, batch)
            elif stage.names[0] not in signals:
                (name,) = stage.names
                inputs = [signals[source] for source in self._graph.sources(name)]
                signals[name] = self.layers[name].advance(inputs, steps)
                batch.record(name, signals[name])
            for name in unused - lasting:
                del signals[name]

    def _cycle(self, stage: Stage, signals: Signals, steps: int, batch: Batch) -> Signals:
        """The layers of a cycle, as many steps at a time as its shortest delay allows."""
        lines = {n: line for n in stage.names if isinstance(line := self.layers[n], DelayLine)}
        stride = min(line.steps for line in lines.values())
        outside = {s for name in stage.names for s in self._graph.sources(name)}.difference(stage.names)
        pieces: dict[str, list[Array]] = {name: [] for name in stage.names}
        for first in range(0, steps, stride):
            part = slice(first, min(first + stride, steps))
            now = {n: signals[n] if len(signals[n]) == 1 else signals[n][part] for n in outside}
            for name in stage.names:
                now[name] = self._one(name, lines, now, part.stop - part.start)
                batch.record(name, now[name])
                pieces[name].append(now[name])
            for name, line in lines.items():
                line.advance([now[self._graph.sources(name)[0]]], part.stop - part.start)
        return {name: np.concatenate(found) for name, found in pieces.items()}

    def _one(self, name: str, lines: dict[str, DelayLine], now: Signals, steps: int) -> Array:
        if name in lines:
            return lines[name].peek(steps)
        return self.layers[name].advance([now[source] for source in self._graph.sources(name)], steps)


class Batch:
    """What one batch yields, gathered window by window."""

    def __init__(
        self, graph: Graph, layers: dict[str, Layer], keep: frozenset[str], trace: frozenset[str]
    ) -> None:
        self._neurons = {n: layer for n, layer in layers.items() if isinstance(layer, Neurons)}
        self._silent = {n for n, op in graph.of(IntLIF).items() if op.reset == "none"}
        self._values: dict[str, list[Array]] = {name: [] for name in keep | trace}
        self._membrane: dict[str, list[Array]] = {name: [] for name in trace}
        self._current: dict[str, list[Array]] = {name: [] for name in trace}

    def record(self, name: str, values: Array) -> None:
        """Keep what layer `name` yielded in the last steps, if it is wanted."""
        if name in self._values:
            self._values[name].append(values)
        if name not in self._membrane:
            return
        neurons = self._neurons[name]
        for kept, found in ((self._membrane, neurons.membrane), (self._current, neurons.current)):
            if found is not None:
                kept[name].append(found)

    def values(self, name: str) -> IntArray:
        """Values of a kept layer, `(T, N, *shape)`: spikes, or the potentials of a readout."""
        return _joined(self._values[name])

    def trace(self, name: str) -> LayerTrace:
        """Trace of a traced layer of neurons."""
        membrane = _joined(self._membrane[name])
        spikes = np.zeros_like(membrane) if name in self._silent else self.values(name)
        current = _joined(self._current[name]) if self._current[name] else None
        return LayerTrace(spikes, membrane, current)

    @property
    def overflows(self) -> dict[str, int]:
        """Values that the registers of each layer could not hold; read it before the next batch runs."""
        return {name: layer.overflows for name, layer in self._neurons.items()}


def _frames(op: IntInput, stimulus: Stimulus, first: int, steps: int) -> Array:
    x = stimulus.x[np.newaxis] if stimulus.static else stimulus.x[first : first + steps]
    return np.ascontiguousarray(np.moveaxis(x, 1, -1), integer_type(op.low, op.high))


def _joined(pieces: list[Array]) -> IntArray:
    """Pieces `(T, *shape, N)` as one int64 array `(T, N, *shape)`."""
    return np.ascontiguousarray(np.moveaxis(np.concatenate(pieces), -1, 1), np.int64)
