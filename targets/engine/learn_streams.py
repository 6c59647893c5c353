"""Learning, several independent streams side by side; the equations are in `neurodeploy.semantics.learning`."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from neurodeploy.ir import Delay, Graph, IntLIF, IntSynapses, Output
from neurodeploy.network import Network
from neurodeploy.semantics import State, Step, ThreeFactorRule, bounds, learning, step
from neurodeploy.semantics.fixed_point import Int64Array
from neurodeploy.semantics.learning import ErrorPaths, Group, LayerStatistics, LearningState
from neurodeploy.semantics.synapses import float_type
from neurodeploy.targets.engine.learn_groups import StreamSynapses, largest_weight

Values = dict[str, Int64Array]
"""By name of layer, `(B, *shape)`."""
Pair = tuple[Values, Values]
"""Traces by group and modulated errors by layer of neurons, of one step."""


class Streams:
    """The part of a network that learning changes: the learning groups and all that depends on them.

    Stream b draws from `seeds[b]` and starts from `starts[b]`.
    """

    def __init__(
        self,
        network: Network,
        rule: ThreeFactorRule,
        paths: ErrorPaths,
        seeds: Sequence[int],
        starts: Sequence[LearningState],
    ) -> None:
        self.graph, self.registers, self.rule, self.paths = network.graph, network.registers, rule, paths
        self.seeds = np.array(seeds, np.uint64)
        self.live = live_layers(network.graph, paths)
        self.neurons = {n: op for n, op in network.graph.of(IntLIF).items() if n in self.live}
        self.delays = {n: op for n, op in network.graph.of(Delay).items() if n in self.live}
        self.groups = {n: self._group(network, n) for n in network.graph.of(IntSynapses) if n in self.live}
        self.back_types = {
            g.synapses: float_type(learning.largest_back(network.graph, rule, g))
            for groups in paths.back.values()
            for g in groups
        }
        self.random = {
            name: learning.feedback_noise(self.seeds, paths.lanes[name], self.groups[name].columns.shape)
            for name in self.back_types
            if rule.feedback == "random"
        }
        for group in paths.learning:
            weights = np.stack([s.weights[group.synapses] for s in starts]).astype(np.int64)
            self.groups[group.synapses].write(weights)
        self.updates = starts[0].updates
        self.spikes_before = {n: np.stack([s.spikes[n] for s in starts]) for n in starts[0].spikes}
        self.counts: dict[str, Counter[str]] = {n: Counter() for n in (*rule.synapses, *paths.neurons)}

    def _group(self, network: Network, name: str) -> StreamSynapses:
        low, high = bounds.carried(network.graph, network.graph.sources(name)[0], network.registers)
        op = network.graph.of(IntSynapses)[name]
        return StreamSynapses(network.graph, name, largest_weight(self.rule, name, op), max(-low, high))

    def states(self) -> tuple[LearningState, ...]:
        """What each stream needs to go on from here."""
        return tuple(
            LearningState(
                {n: self.groups[n].weight[b].astype(np.int8) for n in self.rule.synapses},
                self.updates,
                {n: counts[b] for n, counts in self.spikes_before.items()},
            )
            for b in range(len(self.seeds))
        )

    def statistics(self) -> dict[str, LayerStatistics]:
        """What was counted so far, over all streams."""
        found = {}
        for group in self.paths.learning:
            counts, errors = self.counts[group.synapses], self.counts[group.target]
            found[group.synapses] = LayerStatistics(
                counts["updates"],
                counts["asked"],
                counts["changed"],
                counts["clipped"],
                counts["traces"],
                errors["saturated"],
                errors["errors"],
                counts["accumulators"],
            )
        return found

    def present(
        self, boundary: Mapping[str, Int64Array], steps: int, label: Int64Array
    ) -> npt.NDArray[np.int64]:
        """Run one sample in each stream, learn from it, and return the predicted classes `(B,)`.

        `boundary` holds what comes from outside, `(T, B, *shape)`, or `(1, B, *shape)` where it does not change.
        """
        sample = _Sample(self, boundary, steps, label)
        for t in range(steps):
            sample.step(t)
        sample.end()
        return sample.prediction()


class _Sample:
    """One sample of every stream: everything that starts from zero with it."""

    def __init__(
        self, streams: Streams, boundary: Mapping[str, Int64Array], steps: int, label: Int64Array
    ) -> None:
        self._of, self._boundary, self._steps, self._label = streams, boundary, steps, label
        count = len(label)
        self._states = {n: State.start(op, (count,)) for n, op in streams.neurons.items()}
        self._lines = {
            n: deque([np.zeros((count, *op.shape), np.int64)] * op.steps) for n, op in streams.delays.items()
        }
        self._traces: Values = {
            g.synapses: np.zeros((count, *streams.graph.types[g.arriving].shape), np.int64)
            for g in streams.paths.learning
        }
        self._pairs: deque[Pair] = deque()
        self._steady: Values = {}
        self._spikes: Values = {}
        self._factors = {
            n: learning.PostFactors(streams.rule, n, streams.neurons[n]) for n in streams.paths.neurons
        }
        self._score: Int64Array = np.zeros((), np.int64)
        self._last: dict[str, Step] = {}

    def step(self, t: int) -> None:
        """One time step, in the order of `neurodeploy.semantics.learning`."""
        rule, paths = self._of.rule, self._of.paths
        values = self._forward(t)
        for group in paths.learning:
            name = group.synapses
            self._traces[name], clipped = learning.pre_trace(
                rule, name, self._traces[name], values[group.arriving]
            )
            self._of.counts[name]["traces"] += clipped
        factors = {
            n: self._factors[n].after(t, self._last[n].spikes, self._last[n].potential) for n in paths.neurons
        }
        self._keep_score(t)
        if rule.has_error_at(t, self._steps):
            self._pairs.append((dict(self._traces), self._modulated(factors)))
        if rule.updates_at(t, self._steps):
            due = len(self._pairs) - rule.error_delay
            self._learn([self._pairs.popleft() for _ in range(due)])

    def end(self) -> None:
        """Keep what the next sample needs of this one."""
        if self._of.rule.homeostasis is not None:
            self._of.spikes_before = {n: self._spikes[n] for n in self._of.paths.neurons}

    def prediction(self) -> npt.NDArray[np.int64]:
        """The class with the most spikes, or the highest potential at the end; ties go to the lowest."""
        output = self._of.paths.output
        readout = self._of.neurons[output].reset == "none"
        score = self._last[output].potential if readout else self._spikes[output]
        return np.asarray(score.reshape(len(score), -1).argmax(axis=1), np.int64)

    def _forward(self, t: int) -> Values:
        graph, of = self._of.graph, self._of
        values = {n: v[t if len(v) > 1 else 0] for n, v in self._boundary.items()}
        values |= {n: line[0] for n, line in self._lines.items()}
        for name in of.live:
            if name in of.neurons:
                self._last[name] = self._fire(name, [values[s] for s in graph.sources(name)])
                values[name] = self._last[name].spikes
            elif name in of.groups:
                values[name] = self._current(name, values)
            elif name not in self._lines:
                given = values[graph.sources(name)[0]]
                values[name] = given.reshape(len(given), *graph.types[name].shape)
        for name, line in self._lines.items():
            line.popleft()
            line.append(values[graph.sources(name)[0]])
        return values

    def _current(self, name: str, values: Values) -> Int64Array:
        """a of one group, computed once where neither what arrives nor the weights change in the sample."""
        arriving = self._of.graph.sources(name)[0]
        steady = arriving in self._boundary and len(self._boundary[arriving]) == 1
        learns_each_step = self._of.rule.update == "step" and name in self._of.rule.synapses
        if not steady or learns_each_step:
            return self._of.groups[name].current(values[arriving])
        if name not in self._steady:
            self._steady[name] = self._of.groups[name].current(values[arriving])
        return self._steady[name]

    def _fire(self, name: str, currents: list[Int64Array]) -> Step:
        total = currents[0] if len(currents) == 1 else np.sum(currents, axis=0)
        done = step(self._of.neurons[name], self._of.registers, self._states[name], total)
        self._states[name] = done.state
        before = self._spikes.get(name)
        self._spikes[name] = done.spikes if before is None else before + done.spikes
        return done

    def _keep_score(self, t: int) -> None:
        """What the output shows in this step, or with `rate` in all steps of the sample so far."""
        output = self._of.paths.output
        done, first = self._last[output], t == 0 or self._of.rule.rule != "rate"
        shown = done.potential if self._of.neurons[output].reset == "none" else done.spikes
        self._score = shown if first else self._score + shown

    def _modulated(self, factors: Values) -> Values:
        """m of every layer, the output first."""
        of, rule = self._of, self._of.rule
        weight = self._steps if rule.rule == "rate" else 1
        found: Values = {}
        for name in of.paths.neurons:
            one = rule.neurons[name]
            if name == of.paths.output:
                error, clipped = learning.output_error(
                    rule, one, of.neurons[name], self._score, self._label, weight
                )
            else:
                back = self._sent_back(name, found)
                error, clipped = learning.hidden_error(rule, one, back, of.spikes_before.get(name))
            of.counts[name].update(saturated=clipped, errors=error.size)
            found[name] = error * factors[name]
        return found

    def _sent_back(self, name: str, modulated: Values) -> Int64Array:
        """All that comes back to one layer, in units of the group with the least exponent."""
        groups, graph = self._of.paths.back[name], self._of.graph
        exponents = (learning.back_exponent(graph, g, groups) for g in groups)
        return np.asarray(
            sum(self._through(g, modulated) << e for g, e in zip(groups, exponents, strict=True))
        )

    def _through(self, group: Group, modulated: Values) -> Int64Array:
        of, name = self._of, group.synapses
        synapses, dtype = of.groups[name], of.back_types[name]
        matrix = synapses.matrix
        if of.rule.feedback != "symmetric":
            weights = learning.feedback_weights(
                of.rule.feedback, synapses.weight, of.random.get(name, synapses.weight)
            )
            matrix = synapses.columns.matrix(weights)
        behind = modulated[group.target].reshape(-1, *synapses.columns.made)
        back = learning.sent_back(synapses.columns, matrix.astype(dtype, copy=False), behind.astype(dtype))
        return back.reshape(len(back), *of.neurons[str(group.source)].shape).astype(np.int64)

    def _learn(self, pairs: list[Pair]) -> None:
        """Update all groups from the pairs of some steps."""
        of, rule = self._of, self._of.rule
        for group in of.paths.learning:
            name, synapses = group.synapses, of.groups[group.synapses]
            gathered = self._gathered(group, pairs)
            done = learning.updated(
                rule, name, of.paths.lanes[name], synapses.weight, gathered, of.updates, of.seeds
            )
            synapses.write(done.weight)
            of.counts[name].update(updates=1, asked=done.asked, changed=done.changed, clipped=done.clipped)
        of.updates += 1

    def _gathered(self, group: Group, pairs: list[Pair]) -> Int64Array:
        """G `(B, *W)` after all pairs."""
        of, columns = self._of, self._of.groups[group.synapses].columns
        modulated = np.stack([m[group.target].reshape(-1, *columns.made) for _, m in pairs], axis=1)
        traces = np.stack([x[group.synapses] for x, _ in pairs], axis=1)
        total, clipped = learning.gathered(of.rule, columns, modulated, traces)
        of.counts[group.synapses]["accumulators"] += clipped
        return total


def live_layers(graph: Graph, paths: ErrorPaths) -> tuple[str, ...]:
    """The learning groups and all that depends on them, in the order of a step, but for the output's mark."""
    learning_names = [g.synapses for g in paths.learning]
    return tuple(
        name
        for name in graph.names
        if not isinstance(graph.op(name), Output)
        and any(graph.reaches(group, name) for group in learning_names)
    )
