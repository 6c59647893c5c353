"""The three-factor rule in plain Python integers: slow, short, and what every back end is tested against.

No numpy arithmetic and no code shared with the rest of this package but the names of the rule and the ways of the
errors: the equations of `neurodeploy.semantics.learning` are written out a second time on purpose. Every group of
synapses is a list of connections (post, pre, index of the weight), so a convolution needs no equations of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod

from neurodeploy.ir.graph import Graph
from neurodeploy.ir.ops import Delay, Flatten, IntConv, IntInput, IntLIF, IntSynapses, Output
from neurodeploy.ir.types import Shape
from neurodeploy.semantics.learning.paths import ErrorPaths, error_paths
from neurodeploy.semantics.learning.rule import ThreeFactorRule
from neurodeploy.semantics.neurons import Registers
from neurodeploy.semantics.reference import Neuron, Vector, start_neurons, step_neurons

Connection = tuple[int, int, int]


@dataclass
class Learner:
    """A network that learns: `weights` flat by group (last axis fastest), `updates` is k, `changed` weight changes."""

    graph: Graph
    registers: Registers
    rule: ThreeFactorRule
    updates: int = 0
    changed: int = 0
    weights: dict[str, Vector] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.paths: ErrorPaths = error_paths(self.graph, self.rule.synapses)
        groups = self.graph.of(IntSynapses)
        self.connections = {
            name: connections(
                op, self.graph.types[self.graph.sources(name)[0]].shape, self.graph.types[name].shape
            )
            for name, op in groups.items()
        }
        self.weights = {name: op.weight_q.ravel().tolist() for name, op in groups.items()}
        for name, one in self.rule.synapses.items():
            self.weights[name] = [max(-one.weight_max, min(one.weight_max, w)) for w in self.weights[name]]
        self.random = {
            name: [_hashed(self.rule.seed, 0, lane, 2, i) % 255 - 127 for i in range(len(self.weights[name]))]
            for name, lane in self.paths.lanes.items()
        }
        self.before: dict[str, Vector] = {}

    def present(self, frames: Sequence[Vector], label: int) -> int:
        """Run one sample, learn from it, and return the class that was predicted."""
        sample = _Sample(self, len(frames))
        for t, frame in enumerate(frames):
            sample.step(t, frame, label)
        if self.rule.rule == "rate":
            sample.learn_from_means(label)
        if self.rule.homeostasis is not None:
            self.before = sample.spikes
        return sample.prediction

    def update(self, gathered: dict[str, Vector]) -> None:
        """All groups at once; `gathered` is emptied."""
        rule, k = self.rule, self.updates
        for name, one in rule.synapses.items():
            n = min(one.rate_shift + k // rule.halve_every, one.rate_shift_end)
            for i, w in enumerate(self.weights[name]):
                after = (
                    w
                    + (_hashed(rule.seed, k, self.paths.lanes[name], 0, i) % 2**n - gathered[name][i]) // 2**n
                )
                if rule.weight_decay is not None:
                    share = 2**rule.weight_decay
                    after += (_hashed(rule.seed, k, self.paths.lanes[name], 1, i) % share - w) // share
                after = max(-one.weight_max, min(one.weight_max, after))
                self.changed += after != w
                self.weights[name][i] = after
            gathered[name] = [0] * len(gathered[name])
        self.updates += 1


class _Sample:
    """Everything that starts from zero with a sample."""

    def __init__(self, learner: Learner, steps: int) -> None:
        graph, self.learner, self.steps = learner.graph, learner, steps
        self.neurons: dict[str, list[Neuron]] = {n: start_neurons(op) for n, op in graph.of(IntLIF).items()}
        self.lines = {n: [[0] * prod(op.shape)] * op.steps for n, op in graph.of(Delay).items()}
        arriving = {g.synapses: prod(graph.types[g.arriving].shape) for g in learner.paths.learning}
        self.traces = {name: [0] * size for name, size in arriving.items()}
        self.gathered = {name: [0] * len(learner.weights[name]) for name in arriving}
        sizes = {name: prod(op.shape) for name, op in graph.of(IntLIF).items()}
        self.spikes = {name: [0] * size for name, size in sizes.items()}
        self.potentials = {name: [0] * size for name, size in sizes.items()}
        self.phi = {name: [0] * size for name, size in sizes.items()}
        self.kappa = {name: [0] * size for name, size in sizes.items()}
        self.fired = {name: [0] * size for name, size in sizes.items()}
        self.waiting: list[tuple[dict[str, Vector], dict[str, Vector]]] = []

    @property
    def prediction(self) -> int:
        """The class with the most spikes, or the highest potential at the end; ties go to the lowest."""
        output = self.learner.paths.output
        readout = self.learner.graph.of(IntLIF)[output].reset == "none"
        score = [n.v for n in self.neurons[output]] if readout else self.spikes[output]
        return score.index(max(score))

    def step(self, t: int, frame: Vector, label: int) -> None:
        rule, learner = self.learner.rule, self.learner
        results = self._forward(frame)
        for name, trace in self.traces.items():
            self.traces[name] = [
                self._traced(name, x, y)
                for x, y in zip(trace, results[learner.graph.sources(name)[0]], strict=True)
            ]
        if rule.rule == "rate":
            self._gather_means()
            return
        fired = {name: results[name] for name in learner.paths.neurons}
        self.waiting.append((dict(self.traces), self._modulated(label, fired, None)))
        if len(self.waiting) > rule.error_delay:
            self._accumulate(*self.waiting.pop(0))
        if t >= rule.error_delay if rule.update == "step" else t == self.steps - 1:
            learner.update(self.gathered)

    def learn_from_means(self, label: int) -> None:
        """The one update of `rate`."""
        learner = self.learner
        factors = {}
        for name in learner.paths.neurons:
            exponent = learner.rule.neurons[name].eligibility_exponent
            top = 2**learner.rule.post_bits - 1
            factors[name] = [min(k // 2**-exponent, top) for k in self.kappa[name]]
        self._accumulate(self.traces, self._modulated(label, self.spikes, factors))
        learner.update(self.gathered)

    def _forward(self, frame: Vector) -> dict[str, Vector]:
        graph = self.learner.graph
        results: dict[str, Vector] = {name: line[0] for name, line in self.lines.items()}
        for name in graph.names:
            op, inputs = graph.op(name), [results.get(source, []) for source in graph.sources(name)]
            if isinstance(op, IntInput):
                results[name] = list(frame)
            elif isinstance(op, (Flatten, Output)):
                results[name] = inputs[0]
            elif isinstance(op, IntSynapses):
                sums = [0] * prod(graph.types[name].shape)
                for post, pre, k in self.learner.connections[name]:
                    sums[post] += self.learner.weights[name][k] * inputs[0][pre]
                results[name] = [_shifted(a, op.exponent) for a in sums]
            elif isinstance(op, IntLIF):
                self.fired[name] = step_neurons(op, self.learner.registers, self.neurons[name], inputs)
                results[name] = self.fired[name]
                self.spikes[name] = [n + s for n, s in zip(self.spikes[name], results[name], strict=True)]
        self.lines = {n: [*line[1:], results[graph.sources(n)[0]]] for n, line in self.lines.items()}
        return results

    def _traced(self, name: str, x: int, y: int) -> int:
        rule, one = self.learner.rule, self.learner.rule.synapses[name]
        kept = abs(x) * (4096 - one.trace_decay) // 4096
        return _held((-kept if x < 0 else kept) + _shifted(y, one.impulse_exponent), rule.trace_bits + 1)

    def _gather_means(self) -> None:
        """f and K of `rate`, and the sums of potentials."""
        learner = self.learner
        for name in learner.paths.neurons:
            op = learner.graph.of(IntLIF)[name]
            p = [n.compared for n in self.neurons[name]]
            self.potentials[name] = [a + b for a, b in zip(self.potentials[name], p, strict=True)]
            dv = _each(op.dv, op.shape)
            self.phi[name] = [f * (4096 - d) // 4096 + 64 for f, d in zip(self.phi[name], dv, strict=True)]
            factors = self._factors(name)
            self.kappa[name] = [
                _held(k + f * g, learner.rule.accumulator_bits)
                for k, f, g in zip(self.kappa[name], self.phi[name], factors, strict=True)
            ]
            if op.reset == "zero":
                self.phi[name] = [
                    0 if s else f for f, s in zip(self.phi[name], self.fired[name], strict=True)
                ]

    def _factors(self, name: str) -> Vector:
        op, one = self.learner.graph.of(IntLIF)[name], self.learner.rule.neurons[name]
        if op.reset == "none":
            return [1] * prod(op.shape)
        found = []
        for neuron in self.neurons[name]:
            distance = abs(neuron.compared - neuron.threshold)
            found.append(next((g for e, g in zip(one.edges, one.levels, strict=True) if distance <= e), 0))
        return found

    def _modulated(
        self, label: int, fired: dict[str, Vector], factors: dict[str, Vector] | None
    ) -> dict[str, Vector]:
        """m of every layer, the output first; `factors` are g where not those of this step."""
        paths = self.learner.paths
        modulated: dict[str, Vector] = {}
        for name in paths.neurons:
            error = self._output_error(label, fired) if name == paths.output else self._back(name, modulated)
            readout = self.learner.graph.of(IntLIF)[name].reset == "none"
            g = self._factors(name) if factors is None or readout else factors[name]
            modulated[name] = [e * post for e, post in zip(error, g, strict=True)]
        return modulated

    def _output_error(self, label: int, fired: dict[str, Vector]) -> Vector:
        rule, name = self.learner.rule, self.learner.paths.output
        count = self.steps if rule.rule == "rate" else 1
        if self.learner.graph.of(IntLIF)[name].reset == "none":
            shown = (
                self.potentials[name]
                if count > 1 or rule.rule == "rate"
                else [n.v for n in self.neurons[name]]
            )
            score = [p - (count * rule.margin if i == label else 0) for i, p in enumerate(shown)]
            winner = score.index(max(score))
            return [(i == winner) - (i == label) for i in range(len(score))]
        exponent = rule.neurons[name].error_exponent if rule.rule == "rate" else 0
        raw = [s - count * (i == label) for i, s in enumerate(fired[name])]
        return [_held(_shifted(e, exponent), rule.error_bits) for e in raw]

    def _back(self, name: str, modulated: dict[str, Vector]) -> Vector:
        learner, rule = self.learner, self.learner.rule
        groups = learner.paths.back[name]
        exponents = {g.synapses: learner.graph.of(IntSynapses)[g.synapses].exponent for g in groups}
        total = [0] * len(self.neurons[name])
        for group in groups:
            scale = 2 ** (exponents[group.synapses] - min(exponents.values()))
            for post, pre, k in learner.connections[group.synapses]:
                total[pre] += scale * self._feedback(group.synapses, k) * modulated[group.target][post]
        if rule.homeostasis is not None and name in learner.before:
            above = [n - rule.homeostasis.target for n in learner.before[name]]
            total = [e + n * 2**rule.homeostasis.exponent for e, n in zip(total, above, strict=True)]
        return [_held(_shifted(e, rule.neurons[name].error_exponent), rule.error_bits) for e in total]

    def _feedback(self, name: str, k: int) -> int:
        w = self.learner.weights[name][k]
        if self.learner.rule.feedback == "symmetric":
            return w
        return self.learner.random[name][k] if self.learner.rule.feedback == "random" else (w > 0) - (w < 0)

    def _accumulate(self, traces: dict[str, Vector], modulated: dict[str, Vector]) -> None:
        for group in self.learner.paths.learning:
            x, m, more = (
                traces[group.synapses],
                modulated[group.target],
                [0] * len(self.gathered[group.synapses]),
            )
            for post, pre, k in self.learner.connections[group.synapses]:
                more[k] += m[post] * x[pre]
            self.gathered[group.synapses] = [
                _held(a + b, self.learner.rule.accumulator_bits)
                for a, b in zip(self.gathered[group.synapses], more, strict=True)
            ]


def connections(op: IntSynapses, given: Shape, made: Shape) -> list[Connection]:
    """Every (post, pre, weight) of a group, as flat indices, last axis fastest."""
    if not isinstance(op, IntConv):
        out, into = op.weight_q.shape
        return [(i, j, i * into + j) for i, j in product(range(out), range(into))]
    found = []
    axes, per_group = len(given) - 1, op.weight_q.shape[1]
    for out, *place in product(*map(range, made)):
        first = out // (made[0] // op.groups) * per_group
        for channel, *offset in product(*map(range, op.weight_q.shape[1:])):
            at = [place[i] * op.stride[i] + offset[i] * op.dilation[i] - op.padding[i] for i in range(axes)]
            if all(0 <= a < n for a, n in zip(at, given[1:], strict=True)):
                weight = _flat((out, channel, *offset), op.weight_q.shape)
                found.append((_flat((out, *place), made), _flat((first + channel, *at), given), weight))
    return found


def _flat(index: Sequence[int], shape: Shape) -> int:
    place = 0
    for i, n in zip(index, shape, strict=True):
        place = place * n + i
    return place


def _each(values: object, shape: Shape) -> Vector:
    """One number a neuron."""
    import numpy as np

    return [int(v) for v in np.broadcast_to(np.asarray(values), shape).ravel()]


def _shifted(x: int, exponent: int) -> int:
    power: int = 2 ** abs(exponent)
    return x * power if exponent >= 0 else x // power


def _held(x: int, bits: int) -> int:
    top: int = 2 ** (bits - 1) - 1
    return max(-top, min(top, x))


def _hashed(seed: int, count: int, lane: int, purpose: int, position: int) -> int:
    """splitmix64 twice, modulo 2^64."""
    stream = _mixed(seed * 0x9E3779B97F4A7C15 + count)
    place = position + (4 * lane + purpose) * 2**40
    return _mixed(stream + place * 0x9E3779B97F4A7C15) // 2


def _mixed(z: int) -> int:
    z = (z + 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)
