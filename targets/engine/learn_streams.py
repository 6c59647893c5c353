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
from neurodeploy.targets.engine.learn_groups import StreamSynapses, back_type, largest_weight

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
            g.synapses: back_type(rule, g.synapses, self.groups[g.synapses].columns)
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
        self._means = _Means(streams)
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
        if rule.rule == "rate":
            self._means.add(self._last)
            return
        factors = {n: self._post_factor(n) for n in paths.neurons}
        score = self._last[paths.output]
        readout = self._of.neurons[paths.output].reset == "none"
        modulated = self._modulated(score.potential if readout else score.spikes, 1, factors)
        self._pairs.append((dict(self._traces), modulated))
        if rule.update == "step" and t >= rule.error_delay:
            self._learn([self._pairs.popleft()])

    def end(self) -> None:
        """The update of a whole sample."""
        rule, paths = self._of.rule, self._of.paths
        if rule.rule == "rate":
            factors = self._means.factors()
            readout = self._of.neurons[paths.output].reset == "none"
            score = self._means.potential if readout else self._spikes[paths.output]
            self._learn([(self._traces, self._modulated(score, self._steps, factors))])
        elif rule.update == "sample":
            self._learn(list(self._pairs)[: self._steps - rule.error_delay])
        if rule.homeostasis is not None:
            self._of.spikes_before = {n: self._spikes[n] for n in paths.neurons}

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

    def _post_factor(self, name: str) -> Int64Array:
        return learning.post_factor(
            self._of.rule.neurons[name], self._of.neurons[name], self._last[name].potential
        )

    def _modulated(self, score: Int64Array, weight: int, factors: Values) -> Values:
        """m of every layer, the output first."""
        rule, paths = self._of.rule, self._of.paths
        found: Values = {}
        for name in paths.neurons:
            one = rule.neurons[name]
            if name == paths.output:
                error, clipped = learning.output_error(
                    rule, one, self._of.neurons[name], score, self._label, weight
                )
            else:
                error, clipped = learning.hidden_error(rule, one, self._sent_back(name, found))
            self._of.counts[name].update(saturated=clipped, errors=error.size)
            found[name] = error * factors[name]
        return found

    def _sent_back(self, name: str, modulated: Values) -> Int64Array:
        """All that comes back to one layer, in units of the group with the least exponent."""
        groups, op = self._of.paths.back[name], self._of.graph.of(IntSynapses)
        least = min(op[g.synapses].exponent for g in groups)
        total = sum(self._through(g, modulated) << (op[g.synapses].exponent - least) for g in groups)
        home, before = self._of.rule.homeostasis, self._of.spikes_before
        if home is not None and name in before:
            total = total + ((before[name] - home.target) << home.exponent)
        return np.asarray(total)

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


class _Means:
    """f, K and sums of potentials of `rate`."""

    def __init__(self, streams: Streams) -> None:
        self._of = streams
        self._phi: Values = {}
        self._gathered: Values = {}
        self._fired: dict[str, npt.NDArray[np.bool_]] = {}
        self.potential: Int64Array = np.zeros((), np.int64)

    def add(self, last: Mapping[str, Step]) -> None:
        """Take in one step."""
        rule, paths = self._of.rule, self._of.paths
        self.potential = self.potential + last[paths.output].potential
        for name in paths.neurons:
            op, done = self._of.neurons[name], last[name]
            zero = np.zeros_like(done.spikes)
            fired = self._fired.get(name, zero > 0)
            self._phi[name] = learning.eligibility(op, self._phi.get(name, zero), fired)
            self._fired[name] = done.spikes > 0
            factor = learning.post_factor(rule.neurons[name], op, done.potential)
            raw = self._gathered.get(name, zero) + self._phi[name] * factor
            self._gathered[name] = rule.accumulator.hold(raw)

    def factors(self) -> Values:
        """g of every layer at the end of the sample."""
        rule = self._of.rule
        return {
            name: learning.mean_factor(rule, rule.neurons[name], self._of.neurons[name], gathered)
            for name, gathered in self._gathered.items()
        }


def live_layers(graph: Graph, paths: ErrorPaths) -> tuple[str, ...]:
    """The learning groups and all that depends on them, in the order of a step, but for the output's mark."""
    learning_names = [g.synapses for g in paths.learning]
    return tuple(
        name
        for name in graph.names
        if not isinstance(graph.op(name), Output)
        and any(graph.reaches(group, name) for group in learning_names)
    )
