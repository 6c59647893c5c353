"""A network made ready to run: layer by layer over a window of time, but for cycles, which go step by step."""

from __future__ import annotations

from typing import cast

import numpy as np

from neurodeploy.backend import IntArray, LayerTrace
from neurodeploy.ir import Graph, IntInput, IntLIF
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import bounds
from neurodeploy.targets.engine.delay import DelayLine
from neurodeploy.targets.engine.layers import Setting, make_layer
from neurodeploy.targets.engine.library import Array, Layer, Library, NeuronLayer
from neurodeploy.targets.engine.numpy import NUMPY
from neurodeploy.targets.engine.schedule import Stage, last_uses, stages, unchanging

Signals = dict[str, Array]
"""Values by name of layer."""


class Machine:
    """Runs batches of `steps` steps; `keep` names layers whose values are wanted, `trace` neurons to be traced.

    None steps: streams, see `bounds.checked`. With `current` their currents are traced too. `library` is what it
    computes with. Raises `FitError` for a network whose sums are not exact, `UnsupportedError` for an unknown
    operation.
    """

    def __init__(
        self,
        network: Network,
        steps: int | None,
        keep: frozenset[str],
        trace: frozenset[str] = frozenset(),
        current: bool = False,
        library: Library = NUMPY,
    ) -> None:
        self._library = library
        graph, setting = network.graph, Setting(network.registers, steps, trace, current)
        bounds.require_exact(graph, network.registers)
        self._graph, self._keep, self._trace = graph, keep, trace
        self._stages, self._unchanging = stages(graph), unchanging(graph)
        self._last_uses = last_uses(graph, self._stages)
        self._input = next(iter(graph.of(IntInput)))
        self.layers = {n: make_layer(graph, n, setting, library) for n in graph.names if n != self._input}

    def run(self, stimulus: Stimulus, window: int) -> Batch:
        """Run one batch from the reset state, `window` steps at a time."""
        self.reset(stimulus.samples)
        batch, signals = self._batch(), Signals()
        for first in range(0, stimulus.steps, window):
            steps = min(window, stimulus.steps - first)
            if self._input not in signals:
                signals[self._input] = self._given(stimulus, slice(first, first + steps))
            self._window(signals, steps, self._unchanging if stimulus.static else frozenset(), batch)
        return batch

    def reset(self, samples: int) -> None:
        """Go to the reset state, for a batch of `samples`."""
        for layer in self.layers.values():
            layer.reset(samples)

    def advance(self, stimulus: Stimulus) -> Batch:
        """Run these steps, whose input is not static, from where the layers are."""
        batch, given = self._batch(), self._given(stimulus, slice(None))
        self._window({self._input: given}, stimulus.steps, frozenset(), batch)
        return batch

    def _batch(self) -> Batch:
        return Batch(self._graph, self.layers, self._keep, self._trace, self._library)

    def _given(self, stimulus: Stimulus, steps: slice) -> Array:
        x = stimulus.x[np.newaxis] if stimulus.static else stimulus.x[steps]
        return self._library.given(x, self._graph.of(IntInput)[self._input])

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
        return {name: self._library.joined(found) for name, found in pieces.items()}

    def _one(self, name: str, lines: dict[str, DelayLine], now: Signals, steps: int) -> Array:
        if name in lines:
            return lines[name].peek(steps)
        return self.layers[name].advance([now[source] for source in self._graph.sources(name)], steps)


class Batch:
    """What one batch yields, gathered window by window."""

    def __init__(
        self,
        graph: Graph,
        layers: dict[str, Layer],
        keep: frozenset[str],
        trace: frozenset[str],
        library: Library,
    ) -> None:
        self._library = library
        self._neurons = {name: cast(NeuronLayer, layers[name]) for name in graph.of(IntLIF)}
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
        return self._integers(self._values[name])

    def trace(self, name: str) -> LayerTrace:
        """Trace of a traced layer of neurons."""
        membrane = self._integers(self._membrane[name])
        spikes = np.zeros_like(membrane) if name in self._silent else self.values(name)
        current = self._integers(self._current[name]) if self._current[name] else None
        return LayerTrace(spikes, membrane, current)

    @property
    def overflows(self) -> dict[str, int]:
        """Values that the registers of each layer could not hold; read it before the next batch runs."""
        return {name: layer.overflows for name, layer in self._neurons.items()}

    def _integers(self, pieces: list[Array]) -> IntArray:
        return self._library.integers(self._library.joined(pieces))
