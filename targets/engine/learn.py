"""Learning in the engine: fixed layers run batched over samples, what learns runs sample by sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import IntArray, Learned, OnSnapshot, Progress, no_progress, require_stimulus
from neurodeploy.errors import InputError
from neurodeploy.ir import Graph, IntInput, IntSynapses
from neurodeploy.learning.labels import require_labels
from neurodeploy.network import Network, Stimulus
from neurodeploy.semantics import ThreeFactorRule, bounds
from neurodeploy.semantics.learning import (
    LayerStatistics,
    LearningState,
    error_paths,
    initial_state,
    require_exact_errors,
    require_state,
)
from neurodeploy.targets.engine.learn_groups import largest_weight
from neurodeploy.targets.engine.learn_streams import Streams, live_layers
from neurodeploy.targets.engine.machine import Machine
from neurodeploy.targets.engine.run import batches


@dataclass(frozen=True, slots=True)
class StreamsLearned:
    """What B streams learned: `states` one a stream, `prediction` `(B, N)`, `statistics` summed over streams."""

    states: tuple[LearningState, ...]
    prediction: IntArray
    statistics: dict[str, LayerStatistics]
    seconds: float


def learn_streams(
    network: Network,
    rule: ThreeFactorRule,
    stimuli: Sequence[Stimulus],
    labels: Sequence[IntArray],
    seeds: Sequence[int],
    *,
    starts: Sequence[LearningState] | None = None,
    snapshot_at: tuple[int, ...] = (),
    on_snapshot: Callable[[int, StreamsLearned], None] = lambda samples, learned: None,
    progress: Progress = no_progress,
) -> StreamsLearned:
    """Let B copies of a network learn side by side, stream b from `stimuli[b]` and `labels[b]` with `seeds[b]`.

    Each learns as it would alone with `seed = seeds[b]`; `rule.seed` is not used. Raises
    `InputError` for streams of different lengths, labels out of range, and input or a start that is not the network's,
    `UsageError` for a rule that is not the network's or whose error delay is a sample's length or more,
    `UnsupportedError` for layers that cannot learn, `FitError` for sums that would not be exact.
    """
    paths = error_paths(network.graph, rule.synapses)
    _require_alike(network, stimuli, seeds)
    rule.require_steps(stimuli[0].steps)
    rule.require_neurons(paths.neurons)
    checked = np.stack([require_labels(network, s, y) for s, y in zip(stimuli, labels, strict=True)])
    _require_exact(network, rule)
    require_exact_errors(network.graph, network.registers, rule, paths, stimuli[0].steps)
    for start in starts or ():
        require_state(network.graph, network.registers, rule, start, stimuli[0].steps)
    starts = starts or [initial_state(network.graph, rule)] * len(seeds)
    streams = Streams(network, rule, paths, seeds, starts)
    outside = _Outside(network, live_layers(network.graph, paths))
    steps, samples, begin = stimuli[0].steps, stimuli[0].samples, perf_counter()
    predictions: list[IntArray] = []

    def so_far() -> StreamsLearned:
        seconds = perf_counter() - begin
        return StreamsLearned(streams.states(), np.stack(predictions, axis=1), streams.statistics(), seconds)

    for boundary in zip(*(outside.samples(stimulus) for stimulus in stimuli), strict=True):
        i = len(predictions)
        joined = {name: np.stack([one[name] for one in boundary], axis=1) for name in boundary[0]}
        predictions.append(streams.present(joined, steps, checked[:, i]))
        if i + 1 in snapshot_at:
            on_snapshot(i + 1, so_far())
        progress(i + 1, samples)
    return so_far()


def learn(
    network: Network,
    rule: ThreeFactorRule,
    stimulus: Stimulus,
    labels: IntArray,
    start: LearningState | None,
    snapshot_at: tuple[int, ...],
    on_snapshot: OnSnapshot,
    progress: Progress,
) -> Learned:
    """See `neurodeploy.backend.LearningBackend.learn`."""
    return _alone(
        learn_streams(
            network,
            rule,
            [stimulus],
            [labels],
            [rule.seed],
            starts=None if start is None else [start],
            snapshot_at=snapshot_at,
            on_snapshot=lambda samples, done: on_snapshot(samples, _alone(done)),
            progress=progress,
        )
    )


def _alone(done: StreamsLearned) -> Learned:
    changed = sum(one.changed for one in done.statistics.values())
    return Learned(done.states[0], done.prediction[0], changed, done.seconds, done.statistics)


def _require_alike(network: Network, stimuli: Sequence[Stimulus], seeds: Sequence[int]) -> None:
    for stimulus in stimuli:
        require_stimulus(network, stimulus)
        if (stimulus.steps, stimulus.samples) != (stimuli[0].steps, stimuli[0].samples):
            raise InputError(
                f"streams must have as many samples and steps, not {stimulus.samples} and {stimulus.steps} beside "
                f"{stimuli[0].samples} and {stimuli[0].steps}"
            )
    if len(seeds) != len(stimuli):
        raise InputError(f"there are {len(seeds)} seeds for {len(stimuli)} streams")


def _require_exact(network: Network, rule: ThreeFactorRule) -> None:
    """All synaptic sums are exact whatever the weights become."""
    groups = network.graph.of(IntSynapses)
    widest = {
        name: replace(op, weight_q=np.full(op.weight_q.shape, -largest_weight(rule, name, op), np.int8))
        for name, op in groups.items()
        if name in rule.synapses
    }
    bounds.require_exact(network.graph.replaced(widest), network.registers)


class _Outside:
    """The layers that no learning group changes, and what they send to those that it does."""

    def __init__(self, network: Network, live: tuple[str, ...]) -> None:
        graph = network.graph
        sent = {s for name in live for s in graph.sources(name)}.difference(live)
        self._input = next(iter(graph.of(IntInput)))
        self._from_layers = frozenset(sent - {self._input})
        self._with_input = self._input in sent
        needed = {
            n for n in graph.names if n == self._input or any(graph.reaches(n, s) for s in self._from_layers)
        }
        ops = {n: graph.op(n) for n in graph.names if n in needed}
        edges = [(a, b) for a, b in graph.edges if a in needed and b in needed]
        self._network = replace(network, graph=Graph(ops, edges))

    def samples(self, stimulus: Stimulus) -> Iterator[dict[str, npt.NDArray[Any]]]:
        """For each sample what arrives from outside, `(T, *shape)`, or `(1, *shape)` where it does not change."""
        frames = stimulus.x[np.newaxis] if stimulus.static else stimulus.x
        own = {self._input: frames} if self._with_input else {}
        machine = Machine(self._network, stimulus.steps, self._from_layers)
        if not self._from_layers:
            yield from ({n: x[:, i] for n, x in own.items()} for i in range(stimulus.samples))
            return
        for part, batch in batches(self._network, machine, stimulus):
            found = {n: batch.values(n) for n in self._from_layers}
            found |= {n: x[:, part] for n, x in own.items()}
            for i in range(part.stop - part.start):
                yield {n: x[:, i] for n, x in found.items()}
