"""Interval arithmetic over the integer machine: what values weights and input bounds allow at most.

Every function is monotone in its interval, so the results hold for every input within the bounds.
Intervals broadcast to the shape of their neurons, int64: those of a convolution are per channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import FitError
from neurodeploy.ir.graph import Graph
from neurodeploy.ir.ops import Delay, Flatten, IntInput, IntLIF, IntSynapses
from neurodeploy.semantics.fixed_point import CURRENT_SHIFT, Int64Array, Register, decay, shift
from neurodeploy.semantics.neurons import Registers

EXACT_FLOAT32 = 1 << 24
EXACT_FLOAT64 = 1 << 53
EXACT_CURRENT = 1 << 44
EXACT_STEPS = 4096
BEYOND = 1 << 50
"""Where intervals end: beyond every register, and small enough that int64 holds the next step's products."""
ENDLESS = float(1 << 62)


@dataclass(frozen=True, slots=True)
class Interval:
    """Smallest and largest value that each neuron can hold; int64, broadcasts to the neurons' shape."""

    low: Int64Array
    high: Int64Array

    @property
    def magnitude(self) -> int:
        """Largest absolute value of all."""
        return int(max(np.abs(self.low).max(initial=0), np.abs(self.high).max(initial=0)))

    def fits(self, register: Register) -> bool:
        """True where the register holds every value as it is."""
        return bool(self.low.min() >= register.low and self.high.max() <= register.high)

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)


@dataclass(frozen=True, slots=True)
class NeuronBounds:
    """Bounds of u and v as they are written to their registers, and of the potential before the reset.

    Over all steps of a sample, in registers without end: where u does not fit its register, nothing is known of v.
    """

    u: Interval
    v: Interval


class Checked(NamedTuple):
    """The registers of u and v that may be given more than they hold; None for one that holds every value as it is."""

    u: Register | None
    v: Register | None


def checked(graph: Graph, name: str, registers: Registers, steps: int | None) -> Checked:
    """Which registers the layer of neurons called `name` must check, in `steps` steps from the reset state.

    None steps: as many as wanted, from any state that the registers hold.
    """
    if steps is None:
        return Checked(registers.u, registers.v)
    limits = neurons(graph.of(IntLIF)[name], current(graph, name, registers), steps)
    if not limits.u.fits(registers.u):
        return Checked(registers.u, registers.v)
    return Checked(None, None if limits.v.fits(registers.v) else registers.v)


def carried(graph: Graph, name: str, registers: Registers) -> tuple[int, int]:
    """Smallest and largest integer that layer `name` can send to synapses in one step; holds 0.

    The input's range, 0..1 for spikes, and for neurons of several spikes a step as many as their register allows.
    """
    while isinstance(op := graph.op(name), (Flatten, Delay)):
        name = graph.sources(name)[0]
    if isinstance(op, IntInput):
        return op.low, op.high
    if not isinstance(op, IntLIF):
        raise TypeError(f"layer '{name}' ({op.kind}) sends nothing to synapses")
    return 0, most_spikes(op, registers)


def most_spikes(op: IntLIF, registers: Registers) -> int:
    """Most spikes of a neuron in one step."""
    if op.max_spikes == 1 or op.reset == "none":
        return 1
    highest = registers.v.high if op.v_min_q is None else np.maximum(registers.v.high, op.v_min_q)
    fitting = (highest - op.fire_at) // op.subtracts_q + 1
    return max(1, min(op.max_spikes, int(np.max(fitting))))


def sums(op: IntSynapses, low: int, high: int) -> Interval:
    """Bounds of a = shift(sum W_q x, exponent) for every x with low <= x <= high, where low <= 0 <= high.

    Of a convolution per channel `(out, 1, ...)`: padding only narrows them.
    """
    weight = op.weight_q.astype(np.int64).reshape(len(op.weight_q), -1)
    rising, falling = np.maximum(weight, 0).sum(axis=1), np.minimum(weight, 0).sum(axis=1)
    shape = (-1, *(1,) * (op.weight_q.ndim - 2))
    return Interval(
        _shifted(rising * low + falling * high, op.exponent).reshape(shape),
        _shifted(rising * high + falling * low, op.exponent).reshape(shape),
    )


def _shifted(x: Int64Array, exponent: int) -> Int64Array:
    end = BEYOND >> max(exponent, 0)
    return shift(np.clip(x, -end, end), exponent)


def partial_sums(op: IntSynapses, largest_input: int) -> int:
    """Largest magnitude of any partial sum of W_q x, in any order of summation, before the shift.

    Floating-point products of integers are exact while this stays below `EXACT_FLOAT32` or `EXACT_FLOAT64`.
    """
    weight = np.abs(op.weight_q.astype(np.int64)).reshape(len(op.weight_q), -1)
    return int(weight.sum(axis=1).max(initial=0)) * largest_input


def current(graph: Graph, name: str, registers: Registers) -> Interval:
    """Bounds of a, the sum of all synaptic input, of the layer of neurons called `name`."""
    total = Interval(np.zeros((), np.int64), np.zeros((), np.int64))
    for source in graph.sources(name):
        total += arriving(graph, source, registers)
    return total


def arriving(graph: Graph, name: str, registers: Registers) -> Interval:
    """Bounds of the current that layer `name` sends: synapses, or what hands their current on."""
    op, source = graph.op(name), graph.sources(name)[0]
    if isinstance(op, IntSynapses):
        return sums(op, *carried(graph, source, registers))
    found = arriving(graph, source, registers)
    if isinstance(op, Delay):
        return _hull(found, Interval(np.zeros((), np.int64), np.zeros((), np.int64)))
    shape = graph.types[source].shape
    return Interval(*(np.broadcast_to(end, shape).ravel() for end in (found.low, found.high)))


def require_exact(graph: Graph, registers: Registers) -> None:
    """Raise `FitError` for synaptic sums and currents that may be too large for exact arithmetic.

    Sums before the shift must stay below 2^53, the currents of a layer of neurons, each group's magnitude added,
    within 2^44: then every product and sum of a step is exact in float64 and in int64.
    """
    for name in graph.of(IntLIF):
        total = sum(_magnitude(graph, source, registers) for source in graph.sources(name))
        if total > EXACT_CURRENT:
            raise FitError(
                f"layer '{name}': its synaptic input can reach {total}; it is exact up to {EXACT_CURRENT} (2^44). "
                "Use a smaller input range or smaller exponents"
            )


def _magnitude(graph: Graph, name: str, registers: Registers) -> int:
    """Largest |a| of one group, in Python integers, which have no end."""
    while not isinstance(op := graph.op(name), IntSynapses):
        name = graph.sources(name)[0]
    low, high = carried(graph, graph.sources(name)[0], registers)
    total = partial_sums(op, max(-low, high))
    if total >= EXACT_FLOAT64:
        raise FitError(
            f"layer '{name}': its synaptic sums can reach {total}; they are exact below {EXACT_FLOAT64} (2^53). "
            "Use a smaller input range"
        )
    return total << op.exponent if op.exponent >= 0 else (total >> -op.exponent) + 1


def neurons(op: IntLIF, current: Interval, steps: int) -> NeuronBounds:
    """Bounds of u and v over `steps` steps from the reset state.

    Both hold 0. Stops once they no longer grow; after `EXACT_STEPS` steps the rest is bounded by linear growth from
    there and from what the largest reset leaves, without decay: wider, but never too narrow.
    """
    parameters = (op.du, op.dv, op.bias_q, op.threshold_q, op.subtracts_q, op.initial_q, op.v_min_q)
    shapes = (np.shape(p) for p in parameters if p is not None)
    zero = np.zeros(np.broadcast_shapes(current.low.shape, *shapes), np.int64)
    kept = widest_u = widest_v = Interval(zero, zero)
    after = Interval(zero + op.initial_q, zero + op.initial_q)
    settled = False
    drive = Interval(*(_shifted(end, CURRENT_SHIFT) for end in (current.low, current.high)))
    for _ in range(min(steps, EXACT_STEPS)):
        u = _ended(Interval(*(decay(end, op.du) + a for end, a in _ends(kept, drive))))
        raw = _ended(Interval(*(decay(end, op.dv) + more + op.bias_q for end, more in _ends(after, u))))
        v = _clamped(op, raw)
        after_next, kept_next = _after_reset(op, v), _kept_current(op, u)
        if op.refractory:
            v, after_next = _hull(v, after), _hull(after_next, after)
        seen = (_hull(widest_u, u), _hull(widest_v, _hull(raw, v)))
        stable = all(
            _equal(a, b)
            for a, b in zip((after_next, kept_next, *seen), (after, kept, widest_u, widest_v), strict=True)
        )
        settled = _equal(kept_next, kept) and _equal(seen[0], widest_u)
        after, kept, (widest_u, widest_v) = after_next, kept_next, seen
        if stable:
            return NeuronBounds(widest_u, widest_v)
    if steps <= EXACT_STEPS:
        return NeuronBounds(widest_u, widest_v)
    rest = steps - EXACT_STEPS
    if not settled:
        widest_u = _grown(widest_u, drive, rest)
    pushed = Interval(widest_u.low + op.bias_q, widest_u.high + op.bias_q)
    left = op.fire_at - op.subtracts_q if op.reset == "subtract" else zero
    return NeuronBounds(widest_u, _grown(_hull(widest_v, Interval(left, zero)), pushed, rest))


def _ended(interval: Interval) -> Interval:
    return Interval(*(np.clip(end, -BEYOND, BEYOND) for end in (interval.low, interval.high)))


def _clamped(op: IntLIF, v: Interval) -> Interval:
    if op.v_min_q is None:
        return v
    return Interval(np.maximum(v.low, op.v_min_q), np.maximum(v.high, op.v_min_q))


def _grown(start: Interval, step: Interval, steps: int) -> Interval:
    """Where `start` can get by adding up to `steps` times what lies in `step`; ends at 2^62."""
    low = start.low + np.minimum(step.low, 0) * float(steps)
    high = start.high + np.maximum(step.high, 0) * float(steps)
    return Interval(_clipped(low), _clipped(high))


def _clipped(x: npt.NDArray[np.float64]) -> Int64Array:
    return np.clip(x, -ENDLESS, ENDLESS).astype(np.int64)


def _ends(first: Interval, second: Interval) -> tuple[tuple[Int64Array, Int64Array], ...]:
    return (first.low, second.low), (first.high, second.high)


def _after_reset(op: IntLIF, v: Interval) -> Interval:
    if op.reset == "none":
        return v
    fires = v.high >= op.fire_at
    below = np.minimum(v.high, op.fire_at - 1)
    if op.reset == "zero":
        return Interval(np.minimum(v.low, 0), np.where(fires, np.maximum(below, 0), below))
    low = np.where(fires, np.minimum(v.low, op.fire_at - op.subtracts_q), v.low)
    reset = v.high - op.max_spikes * op.subtracts_q
    return Interval(low, np.where(fires, np.maximum(np.maximum(below, reset), op.fire_at - 1), below))


def _kept_current(op: IntLIF, u: Interval) -> Interval:
    if not op.clear_current:
        return u
    return Interval(np.minimum(u.low, 0), np.maximum(u.high, 0))


def _hull(first: Interval, second: Interval) -> Interval:
    return Interval(np.minimum(first.low, second.low), np.maximum(first.high, second.high))


def _equal(first: Interval, second: Interval) -> bool:
    return np.array_equal(first.low, second.low) and np.array_equal(first.high, second.high)
