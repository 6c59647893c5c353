"""The integer machine in plain Python integers: slow, short, and what every back end is tested against.

No numpy arithmetic and no code shared with `fixed_point` and `neurons`: the equations are written out
a second time on purpose, so that a slip in either shows as a difference.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from neurodeploy.ir.graph import Graph
from neurodeploy.ir.ops import Flatten, IntDense, IntInput, IntLIF
from neurodeploy.semantics.fixed_point import Register
from neurodeploy.semantics.neurons import Registers

Vector = list[int]


@dataclass
class Trace:
    """Results of one sample, `[step][neuron]`, per layer of neurons."""

    spikes: dict[str, list[Vector]] = field(default_factory=dict)
    membrane: dict[str, list[Vector]] = field(default_factory=dict)


def run_sample(graph: Graph, registers: Registers, frames: list[Vector]) -> Trace:
    """Run one sample, one flat frame of integers a step, from the reset state."""
    trace = Trace()
    memory: dict[str, tuple[Vector, Vector]] = {}
    for frame in frames:
        results: dict[str, Vector] = {}
        for name in graph.names:
            op, inputs = graph.op(name), [results[source] for source in graph.sources(name)]
            if isinstance(op, IntInput):
                results[name] = list(frame)
            elif isinstance(op, Flatten):
                results[name] = inputs[0]
            elif isinstance(op, IntDense):
                results[name] = [_dendrite(row, inputs[0], op.exponent) for row in op.weight_q.tolist()]
            elif isinstance(op, IntLIF):
                current = [sum(values) for values in zip(*inputs, strict=True)]
                size = len(current)
                u, v = memory.get(name, ([0] * size, [0] * size))
                fired, u, v = _neurons(op, registers, current, u, v)
                memory[name] = (u, v)
                trace.spikes.setdefault(name, []).append(fired)
                trace.membrane.setdefault(name, []).append(v)
                results[name] = fired
    return trace


def _dendrite(weights: Vector, x: Vector, exponent: int) -> int:
    total = sum(w * value for w, value in zip(weights, x, strict=True))
    power: int = 2 ** abs(exponent)
    return total * power if exponent >= 0 else total // power


def _neurons(
    op: IntLIF, registers: Registers, current: Vector, u: Vector, v: Vector
) -> tuple[Vector, Vector, Vector]:
    columns = [
        _neuron(op, registers, a, bias, u_n, v_n)
        for a, bias, u_n, v_n in zip(current, op.bias_q.tolist(), u, v, strict=True)
    ]
    fired, new_u, new_v = (list(column) for column in zip(*columns, strict=True))
    return fired, new_u, new_v


def _neuron(op: IntLIF, registers: Registers, a: int, bias: int, u: int, v: int) -> tuple[int, int, int]:
    u = _held(registers.u, _decayed(u, op.du) + a * 64)
    v = _held(registers.v, _decayed(v, op.dv) + u + bias)
    if op.reset == "none":
        return 0, u, v
    fires = v >= op.threshold_q if op.compare == "ge" else v > op.threshold_q
    if not fires:
        return 0, u, v
    return 1, 0 if op.clear_current else u, v - op.threshold_q if op.reset == "subtract" else 0


def _decayed(x: int, d: int) -> int:
    kept = abs(x) * (4096 - d) // 4096
    return -kept if x < 0 else kept


def _held(register: Register, x: int) -> int:
    top: int = 2 ** (register.bits - 1)
    if register.overflow == "saturate":
        return max(-(top - 1), min(top - 1, x))
    return (x + top) % (2 * top) - top
