"""What happens on each core in each step of the chip, counted from the spikes and potentials of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import Result
from neurodeploy.chip import Chip
from neurodeploy.cost.placement import Placement
from neurodeploy.cost.synapses import Kind, Path, paths
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
    """Events, each int64 `(steps, samples, cores)` in the chip's time, and hops of packets `(samples,)` by direction;
    tiles, cores and chips in use.

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
    tiles: int
    cores: int
    chips: int

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
        totals |= {"hops_x": int(self.hops_x.sum()), "hops_y": int(self.hops_y.sum())}
        return {name: total / self.samples for name, total in totals.items()}


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
    return _Counter(network, chip, placement, stimulus, result).count(steps)


def start_steps(network: Layers) -> dict[str, int]:
    """The chip's step in which each source computes its first step: one more than the last that drives it."""
    found = {name: 0 for name in network.sources if name not in network.neurons}
    for name, layer in network.neurons.items():
        found[name] = 1 + max((found[g.source] for g in layer.groups if g.source in found), default=-1)
    return found


class _Counter:
    """Fills the arrays, layer by layer."""

    def __init__(
        self, network: Network, chip: Chip, placement: Placement, stimulus: Stimulus, result: Result
    ) -> None:
        self._network, self._placement, self._result = network, placement, result
        self._layers = layers(network.graph)
        self._paths = paths(self._layers, chip, placement)
        self._start = start_steps(self._layers)
        self._model_steps, self._samples = stimulus.steps, stimulus.samples
        self._stimulus = stimulus
        depth = max(self._start.values())
        shape = (self._model_steps + depth, self._samples, len(placement.cores))
        self._events: dict[Event, Counts] = {event: np.zeros(shape, np.int64) for event in EVENTS}

    def count(self, steps: int | None) -> Traffic:
        received = {name: self._received(name) for name in self._network.neurons}
        for name, op in self._network.neurons.items():
            self._neurons(name, op, received[name])
        hops = self._hops(steps)
        events = {event: counts[:steps] for event, counts in self._events.items()}
        placed = self._placement
        return Traffic(events, *hops, placed.tiles, len(placed.used), placed.chips)

    def _active(self, source: str) -> Spikes:
        """1 where a source sends, `(T, N, size)`."""
        if source in self._network.neurons:
            sent = self._result.traces[source].spikes
            fired: Spikes = (sent.reshape(*sent.shape[:2], -1) != 0).astype(np.float32)
            return fired
        x = self._stimulus.x if not self._stimulus.static else self._stimulus.x[np.newaxis]
        flat = (x.reshape(*x.shape[:2], -1) != 0).astype(np.float32)
        every: Spikes = np.broadcast_to(flat, (self._model_steps, *flat.shape[1:]))
        return every

    def _window(self, source: str) -> slice:
        first = self._start[source]
        return slice(first, first + self._model_steps)

    def _received(self, name: str) -> npt.NDArray[np.bool_]:
        """Which neurons get input in each of their steps `(T, N, neurons)`; packets and synapses are counted."""
        size = self._layers.neurons[name].neurons
        found = np.zeros((self._model_steps, self._samples, size), np.bool_)
        for path in self._paths[name]:
            active = self._active(path.group.source)
            self._deliver(path, active)
            late = path.group.delay
            if late < self._model_steps:
                found[late:] |= path.receives(active[: self._model_steps - late])
        return found

    def _deliver(self, path: Path, active: Spikes) -> None:
        window = self._window(path.group.source)
        for core, part in path.destinations:
            self._events["packets_in"][window, :, core] += _whole(active @ part.reached.astype(np.float32))
            self._events[path.kind][window, :, core] += _whole(active @ part.listed.astype(np.float32))
        for core, mask in path.origins:
            self._events["packets_out"][window, :, core] += _whole(active @ mask.astype(np.float32))

    def _neurons(self, name: str, op: IntLIF, received: npt.NDArray[np.bool_]) -> None:
        trace = self._result.traces[name]
        shape = (*trace.membrane.shape[:2], -1)
        first = np.broadcast_to(op.initial_q, trace.membrane.shape[1:])[np.newaxis]
        before = np.concatenate([first, trace.membrane[:-1]]).reshape(shape) != 0
        biased = np.broadcast_to(op.bias_q != 0, op.shape).reshape(-1)
        spikes = trace.spikes.reshape(shape)
        updated = before | received | biased | (spikes != 0)
        window = self._window(name)
        for core, part in self._placement.parts(name):
            mine = np.zeros(op.shape, np.bool_)
            mine[part.slices] = True
            chosen = mine.reshape(-1)
            self._events["accesses"][:, :, core] += part.neurons
            self._events["updates"][window, :, core] += updated[..., chosen].sum(axis=2)
            self._events["spikes"][window, :, core] += spikes[..., chosen].sum(axis=2)

    def _hops(self, steps: int | None) -> tuple[Counts, Counts]:
        """Hops of all packets of each sample along columns and rows."""
        across, along = np.zeros(self._samples, np.int64), np.zeros(self._samples, np.int64)
        for found in self._paths.values():
            for path in found:
                until = None if steps is None else max(0, steps - self._start[path.group.source])
                sent = self._active(path.group.source)[:until].sum(axis=0, dtype=np.float64)
                here = list(self._placement.parts(path.group.source))
                for core, part in path.destinations:
                    arriving = (sent * part.reached).reshape(-1, *path.group.source_shape)
                    for origin, mine in here:
                        packets = _whole(
                            arriving[(slice(None), *mine.slices)].reshape(self._samples, -1).sum(axis=1)
                        )
                        (x0, y0), (x1, y1) = self._placement.tile(origin), self._placement.tile(core)
                        across, along = across + packets * abs(x0 - x1), along + packets * abs(y0 - y1)
        return across, along


def _whole(x: npt.NDArray[np.floating]) -> Counts:
    whole: Counts = np.rint(x).astype(np.int64)
    return whole
