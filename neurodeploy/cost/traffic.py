"""What happens on each core in each step of the chip, counted from the spikes and potentials of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import Result
from neurodeploy.chip import Chip
from neurodeploy.cost.placement import Placement
from neurodeploy.cost.synapses import Kind, Path, path_of, weighed
from neurodeploy.errors import UsageError
from neurodeploy.ir import IntLIF
from neurodeploy.network import Network, Stimulus
from neurodeploy.resources import Layers, layers

Counts = npt.NDArray[np.int64]
Spikes = npt.NDArray[np.float32]
KINDS: tuple[Kind, ...] = ("dense", "sparse", "conv")
Event = Literal["accesses", "updates", "spikes", "packets_out", "packets_in", "dense", "sparse", "conv"]
EVENTS: tuple[Event, ...] = ("accesses", "updates", "spikes", "packets_out", "packets_in", *KINDS)


@dataclass(frozen=True, slots=True, eq=False)
class Traffic:
    """Events, each int64 `(steps, samples, cores)` in the chip's time; hops of packets by direction, and packets that
    go from one chip to another (`crossings`), `(samples,)`; tiles, cores and chips in use; weight updates of learning,
    a sample, float64 `(cores,)`, empty without learning.

    - accesses: every neuron of a core in every step;
    - updates: neurons whose potential is not 0 before the step, that get input or that have a bias;
    - spikes: spikes of the core's neurons; packets_out: one for each spike and core that it goes to; packets_in;
    - dense, sparse, conv: entries of synapse lists that packets make the core read, by the format of the list; dense
      lists hold zeros too.

    In the chip's time a layer works one step later than the layers that drive it: a sample of T steps takes T +
    depth steps, in which layers that wait or are done are accessed only.
    """

    events: dict[Event, Counts]
    hops_x: Counts
    hops_y: Counts
    crossings: Counts
    tiles: int
    cores: int
    chips: int
    weight_updates: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @property
    def steps(self) -> int:
        """Steps of the chip."""
        return int(self.events["spikes"].shape[0])

    @property
    def samples(self) -> int:
        """Samples."""
        return int(self.events["spikes"].shape[1])

    def total(self, event: Event) -> int:
        """Over all steps, samples and cores."""
        return int(self.events[event].sum())

    @property
    def synaptic_operations(self) -> int:
        """Entries of synapse lists that were read, over all steps, samples and cores."""
        return sum(self.total(kind) for kind in KINDS)

    def to_dict(self) -> dict[str, float]:
        """Events and hops of a sample, mean over the samples."""
        totals: dict[str, int] = {event: self.total(event) for event in EVENTS}
        totals |= {name: int(getattr(self, name).sum()) for name in ("hops_x", "hops_y", "crossings")}
        each = {name: total / self.samples for name, total in totals.items()}
        return each | {"weight_updates": float(self.weight_updates.sum())}


def traffic(
    network: Network,
    chip: Chip,
    placement: Placement,
    stimulus: Stimulus,
    result: Result,
    *,
    steps: int | None = None,
) -> Traffic:
    """Count a traced run of `stimulus`; with `steps` the chip stops after so many of its own steps.

    Raises `UsageError` for a result without traces.
    """
    for name in network.neurons:
        if name not in result.traces:
            raise UsageError(
                f"the result of '{result.backend}' has no trace of layer '{name}'; run with trace=True"
            )
    return _Counter(network, chip, placement, stimulus, result, steps).count()


def start_steps(network: Layers) -> dict[str, int]:
    """The chip's step in which each source computes its first step: one more than the last that drives it."""
    found = {name: 0 for name in network.sources if name not in network.neurons}
    for name, layer in network.neurons.items():
        found[name] = 1 + max((found[g.source] for g in layer.groups if g.source in found), default=-1)
    return found


class _Counter:
    """Fills the arrays, layer by layer, with the paths of one group of synapses in memory at a time."""

    def __init__(
        self,
        network: Network,
        chip: Chip,
        placement: Placement,
        stimulus: Stimulus,
        result: Result,
        steps: int | None,
    ) -> None:
        self._network, self._placement, self._result = network, placement, result
        self._layers, self._chip, self._steps = layers(network.graph), chip, steps
        self._start = start_steps(self._layers)
        self._model_steps, self._samples = stimulus.steps, stimulus.samples
        self._stimulus = stimulus
        depth = max(self._start.values())
        shape = (self._model_steps + depth, self._samples, len(placement.cores))
        self._events: dict[Event, Counts] = {event: np.zeros(shape, np.int64) for event in EVENTS}
        self._far = np.zeros((3, self._samples), np.int64)

    def count(self) -> Traffic:
        received = {name: self._received(name) for name in self._network.neurons}
        for name, op in self._network.neurons.items():
            self._neurons(name, op, received[name])
        events = {event: counts[: self._steps] for event, counts in self._events.items()}
        placed, (across, along, over) = self._placement, self._far
        return Traffic(events, across, along, over, placed.tiles, len(placed.used), placed.chips)

    def _active(self, source: str) -> Spikes:
        """1 where a source sends, `(T, N, *source)`."""
        if source in self._network.neurons:
            sent = self._result.traces[source].spikes
        else:
            sent = self._stimulus.x if not self._stimulus.static else self._stimulus.x[np.newaxis]
        fired = (sent != 0).astype(np.float32).reshape(*sent.shape[:2], *self._layers.sources[source])
        every: Spikes = np.broadcast_to(fired, (self._model_steps, *fired.shape[1:]))
        return every

    def _window(self, source: str) -> slice:
        first = self._start[source]
        return slice(first, first + self._model_steps)

    def _received(self, name: str) -> npt.NDArray[np.bool_]:
        """Which neurons get input in each of their steps `(T, N, neurons)`; packets and synapses are counted."""
        size = self._layers.neurons[name].neurons
        found = np.zeros((self._model_steps, self._samples, size), np.bool_)
        for group in self._layers.neurons[name].groups:
            path, active = path_of(group, self._chip, self._placement, name), self._active(group.source)
            self._deliver(path, active)
            self._travel(path, active)
            late = path.group.delay
            if late < self._model_steps:
                found[late:] |= path.receives(active[: self._model_steps - late])
        return found

    def _deliver(self, path: Path, active: Spikes) -> None:
        window = self._window(path.group.source)
        for core, there in path.destinations:
            arriving = there.of(active)
            self._events["packets_in"][window, :, core] += _whole(weighed(arriving, there.reached))
            self._events[path.kind][window, :, core] += _whole(weighed(arriving, there.listed))
        for core, part in self._placement.parts(path.group.source):
            sent = weighed(active[(slice(None), slice(None), *part.slices)], path.copies[part.slices])
            self._events["packets_out"][window, :, core] += _whole(sent)

    def _neurons(self, name: str, op: IntLIF, received: npt.NDArray[np.bool_]) -> None:
        trace = self._result.traces[name]
        shape = (*trace.membrane.shape[:2], *op.shape)
        first = np.broadcast_to(op.initial_q, trace.membrane.shape[1:])[np.newaxis]
        before = np.concatenate([first, trace.membrane[:-1]]).reshape(shape) != 0
        biased = np.broadcast_to(op.bias_q != 0, op.shape)
        spikes = trace.spikes.reshape(shape)
        updated = before | received.reshape(shape) | biased | (spikes != 0)
        window = self._window(name)
        for core, part in self._placement.parts(name):
            mine, neurons = (slice(None), slice(None), *part.slices), tuple(range(2, len(shape)))
            self._events["accesses"][:, :, core] += part.neurons
            self._events["updates"][window, :, core] += updated[mine].sum(axis=neurons)
            self._events["spikes"][window, :, core] += spikes[mine].sum(axis=neurons)

    def _travel(self, path: Path, active: Spikes) -> None:
        """Hops of all packets of each sample along columns and rows, and those that go to another chip."""
        source = path.group.source
        until = None if self._steps is None else max(0, self._steps - self._start[source])
        sent, at = active[:until].sum(axis=0, dtype=np.float64), self._where(source)
        if at is None:
            return
        for core, there in path.destinations:
            arriving = there.of(sent) * there.reached
            x, y, chip = there.of(at)
            x1, y1 = self._placement.tile(core)
            far = (abs(x - x1), abs(y - y1), chip != self._placement.chip(core))
            self._far += [_whole((arriving * one).reshape(self._samples, -1).sum(axis=1)) for one in far]

    def _where(self, source: str) -> Counts | None:
        """Column, row and chip of every neuron `(3, *source)`; None for an input, which is on no core."""
        found = np.zeros((3, *self._layers.sources[source]), np.int64)
        held = list(self._placement.parts(source))
        for core, part in held:
            at = np.array([*self._placement.tile(core), self._placement.chip(core)])
            found[(slice(None), *part.slices)] = at.reshape(3, *(1,) * len(part.box))
        return found if held else None


def _whole(x: npt.NDArray[np.floating]) -> Counts:
    whole: Counts = np.rint(x).astype(np.int64)
    return whole
