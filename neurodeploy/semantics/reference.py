"""The integer machine in plain Python integers: slow, short, and what every back end is tested against.

No numpy arithmetic (numpy only unpacks parameters) and no code shared with `fixed_point` and `neurons`: the
equations are written out a second time on purpose, so that a slip in either shows as a difference.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from neurodeploy.ir.graph import Graph
from neurodeploy.ir.ops import Delay, Flatten, IntConv, IntDense, IntInput, IntLIF, Output
from neurodeploy.ir.types import Shape
from neurodeploy.semantics.fixed_point import Register
from neurodeploy.semantics.neurons import Registers

Vector = list[int]


@dataclass
class Trace:
    """Results of one sample, `[step][neuron]` (last axis fastest), per layer of neurons."""

    spikes: dict[str, list[Vector]] = field(default_factory=dict)
    membrane: dict[str, list[Vector]] = field(default_factory=dict)


def run_sample(graph: Graph, registers: Registers, frames: list[Vector]) -> Trace:
    """Run one sample, one flat frame of integers a step (last axis fastest), from the reset state."""
    trace = Trace()
    neurons = {name: start_neurons(op) for name, op in graph.of(IntLIF).items()}
    lines = {name: [[0] * prod(op.shape)] * op.steps for name, op in graph.of(Delay).items()}
    for frame in frames:
        results: dict[str, Vector] = {name: line[0] for name, line in lines.items()}
        for name in graph.names:
            op = graph.op(name)
            if isinstance(op, Delay):
                continue
            inputs = [results[source] for source in graph.sources(name)]
            if isinstance(op, IntInput):
                results[name] = list(frame)
            elif isinstance(op, (Flatten, Output)):
                results[name] = inputs[0]
            elif isinstance(op, IntDense):
                results[name] = [_dendrite(row, inputs[0], op.exponent) for row in op.weight_q.tolist()]
            elif isinstance(op, IntConv):
                results[name] = _convolution(op, inputs[0], graph.types[graph.sources(name)[0]].shape)
            elif isinstance(op, IntLIF):
                results[name] = step_neurons(op, registers, neurons[name], inputs)
                trace.spikes.setdefault(name, []).append(results[name])
                trace.membrane.setdefault(name, []).append([n.v for n in neurons[name]])
        lines = {name: [*line[1:], results[graph.sources(name)[0]]] for name, line in lines.items()}
    return trace


def _dendrite(weights: Vector, x: Vector, exponent: int) -> int:
    return _shifted(sum(w * value for w, value in zip(weights, x, strict=True)), exponent)


def _shifted(total: int, exponent: int) -> int:
    power: int = 2 ** abs(exponent)
    return total * power if exponent >= 0 else total // power


def _convolution(op: IntConv, x: Vector, shape: Shape) -> Vector:
    """Every output channel and place, one product at a time; one spatial axis is two, of which the first is 1."""
    flat = len(shape) == 2
    channels, height, width = (shape[0], 1, shape[1]) if flat else shape
    weight = [[[channel] if flat else channel for channel in out] for out in op.weight_q.tolist()]
    stride, dilation = ((1, *pair) if flat else pair for pair in (op.stride, op.dilation))
    before = (0, op.padding[0]) if flat else op.padding[:2]
    after = (0, op.padding[1]) if flat else op.padding[2:]
    rows, columns = len(weight[0][0]), len(weight[0][0][0])
    places = [
        (size + low + high - (d * (kernel - 1) + 1)) // s + 1
        for size, low, high, d, kernel, s in zip(
            (height, width), before, after, dilation, (rows, columns), stride, strict=True
        )
    ]
    per_group = channels // op.groups
    result = []
    for out, filters in enumerate(weight):
        first = out // (len(weight) // op.groups) * per_group
        for y in range(places[0]):
            for z in range(places[1]):
                total = 0
                for i, kernel in enumerate(filters):
                    for j in range(rows):
                        for k in range(columns):
                            row = y * stride[0] + j * dilation[0] - before[0]
                            column = z * stride[1] + k * dilation[1] - before[1]
                            if 0 <= row < height and 0 <= column < width:
                                total += kernel[j][k] * x[((first + i) * height + row) * width + column]
                result.append(_shifted(total, op.exponent))
    return result


@dataclass
class Neuron:
    """Parameters and state of one neuron; `compared` is v as it was compared with the threshold in the last step."""

    du: int
    dv: int
    bias: int
    threshold: int
    reset_by: int
    v_min: int | None
    v: int
    u: int = 0
    waiting: int = 0
    compared: int = 0

    def step(self, op: IntLIF, registers: Registers, a: int) -> int:
        """Spikes of one step with synaptic input `a`."""
        self.u = _held(registers.u, _decayed(self.u, self.du) + a * 64)
        v = _held(registers.v, _decayed(self.v, self.dv) + self.u + self.bias)
        if self.v_min is not None and v < self.v_min:
            v = self.v_min
        if self.waiting:
            self.waiting -= 1
            self.compared = self.v
            return 0
        self.v = self.compared = v
        spikes = self._fires(op)
        if spikes:
            self.v = v - spikes * self.reset_by if op.reset == "subtract" else 0
            self.u = 0 if op.clear_current else self.u
            self.waiting = op.refractory
        return spikes

    def _fires(self, op: IntLIF) -> int:
        if op.reset == "none":
            return 0
        spikes, v = 0, self.v
        while spikes < op.max_spikes and (v >= self.threshold if op.compare == "ge" else v > self.threshold):
            spikes, v = spikes + 1, v - self.reset_by
        return spikes


def start_neurons(op: IntLIF) -> list[Neuron]:
    """The neurons of a layer in the reset state, last axis fastest."""

    def each(values: Any) -> list[Any]:
        size = prod(op.shape)
        return [None] * size if values is None else np.broadcast_to(values, op.shape).ravel().tolist()

    columns = (op.du, op.dv, op.bias_q, op.threshold_q, op.subtracts_q, op.v_min_q, op.initial_q)
    return [Neuron(*row) for row in zip(*(each(values) for values in columns), strict=True)]


def step_neurons(op: IntLIF, registers: Registers, neurons: list[Neuron], inputs: list[Vector]) -> Vector:
    """Spikes of one step of a layer from the currents of its groups of synapses."""
    current = [sum(values) for values in zip(*inputs, strict=True)] if inputs else [0] * len(neurons)
    return [neuron.step(op, registers, a) for neuron, a in zip(neurons, current, strict=True)]


def _decayed(x: int, d: int) -> int:
    kept = abs(x) * (4096 - d) // 4096
    return -kept if x < 0 else kept


def _held(register: Register, x: int) -> int:
    top: int = 2 ** (register.bits - 1)
    if register.overflow == "saturate":
        return max(-(top - 1), min(top - 1, x))
    return (x + top) % (2 * top) - top
