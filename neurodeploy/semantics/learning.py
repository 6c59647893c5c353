r"""The three-factor learning rule on integers: pre-trace x post-surrogate x error.

One learning layer with weights W `(out, in)`, step t of a sample, label y, potential p as it was compared with
the threshold:

    x[t]    = min(decay(x[t-1], trace_decay) + impulse * s_pre[t], 2^trace_bits - 1)     pre-trace, (in,)
    g[t]    = 1 if |p[t] - threshold| <= window else 0                                  surrogate, (out,)
    e[t]    = s_post[t] - onehot(y)                                     spiking readout: error, (out,)
            = onehot(argmax(p[t] - margin onehot(y))) - onehot(y),  g = 1       readout without spikes
    G[t]    = hold(G[t-1] + (e[t] g[t]) x[t]^T)                                      accumulator, (out, in)

    at update k = 0, 1, ... (every step, or after a sample's last step):
    n_k     = min(rate_shift + k // halve_every, rate_shift_end)
    W      <- clip(W + ((r_k - G) >> n_k), -weight_max, weight_max),   G <- 0
    r_k[i,j] = draw(seed, k)[i,j] mod 2^n_k

Adding r before the floor rounds the step -G / 2^n stochastically, without bias; `draw` is a counter-based hash,
so any back end can make the number of a synapse without keeping a generator's state. Traces, accumulator and
neurons start every sample from zero; weights and k carry over.

This is OTTT (Xiao et al., NeurIPS 2022, eqs. 7-9) with the rectangular surrogate of its theorem 1 and errors
that need no exponentials: updating every step is OTTT-O, once a sample OTTT-A. The error of a readout without
spikes is the gradient of the multi-class hinge loss (Crammer and Singer, JMLR 2, 2001).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import UsageError
from neurodeploy.ir.ops import IntLIF
from neurodeploy.semantics.fixed_point import Int64Array, Register, decay

ACCUMULATOR = Register(24, "saturate")
_MIX = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


@dataclass(frozen=True, slots=True)
class ThreeFactorRule:
    """The numbers of the rule, all integers.

    `trace_decay` in 1/4096 per step (as dv); `impulse` is what one spike adds to a trace of `trace_bits`
    unsigned bits; `window` (half the surrogate's width) and `margin` are in units of the membrane potential;
    the learning rate is 2^-`rate_shift` weight units per unit of accumulator, halved every `halve_every`
    updates until 2^-`rate_shift_end`; `update` says when weights change.
    """

    trace_decay: int
    impulse: int
    window: int
    margin: int
    rate_shift: int
    rate_shift_end: int
    halve_every: int
    update: Literal["step", "sample"]
    weight_max: int = 127
    trace_bits: int = 7
    seed: int = 0

    def __post_init__(self) -> None:
        limits = (
            ("trace_decay", 0, 4096),
            ("trace_bits", 1, 16),
            ("impulse", 1, (1 << self.trace_bits) - 1),
            ("window", 0, 1 << 24),
            ("margin", 0, 1 << 24),
            ("rate_shift", 0, 24),
            ("rate_shift_end", self.rate_shift, 24),
            ("halve_every", 1, 1 << 40),
            ("weight_max", 1, 127),
            ("seed", 0, (1 << 63) - 1),
        )
        for name, low, high in limits:
            value = getattr(self, name)
            if not low <= value <= high:
                raise UsageError(f"learning rule: {name} must be in {low}..{high}, not {value}")
        if self.update not in ("step", "sample"):
            raise UsageError(f"learning rule: update must be 'step' or 'sample', not {self.update!r}")

    def shift_of(self, count: int) -> int:
        """n_k of update number k = `count`."""
        return min(self.rate_shift + count // self.halve_every, self.rate_shift_end)

    def to_dict(self) -> dict[str, Any]:
        """The rule as plain values."""
        return asdict(self)


def pre_trace(rule: ThreeFactorRule, trace: Int64Array, spikes: Int64Array) -> Int64Array:
    """x[t] from x[t-1] and the spikes of step t, both `(in,)`; saturates at 2^trace_bits - 1."""
    raised: Int64Array = decay(trace, rule.trace_decay) + rule.impulse * spikes
    return raised.clip(max=(1 << rule.trace_bits) - 1)


def modulated_error(
    rule: ThreeFactorRule, op: IntLIF, spikes: Int64Array, potential: Int64Array, label: int
) -> Int64Array:
    """e[t] g[t], `(out,)`, of the learning layer's neurons `op`."""
    target = np.zeros_like(spikes)
    target[label] = 1
    if op.reset == "none":
        winner = np.zeros_like(spikes)
        winner[np.argmax(potential - rule.margin * target)] = 1
        return winner - target
    gate = np.abs(potential - op.threshold_q) <= rule.window
    error: Int64Array = (spikes - target) * gate.astype(np.int64)
    return error


def accumulate(accumulator: Int64Array, error: Int64Array, trace: Int64Array) -> Int64Array:
    """G[t] from G[t-1], e[t] g[t] and x[t]."""
    return ACCUMULATOR.hold(accumulator + np.outer(error, trace))


def updated(rule: ThreeFactorRule, weight_q: Int64Array, accumulator: Int64Array, count: int) -> Int64Array:
    """The weights after update number `count`; int64 `(out, in)` in and out."""
    shift = rule.shift_of(count)
    noise = draw(rule.seed, count, weight_q.shape) & ((1 << shift) - 1)
    change = (noise - accumulator) >> shift
    return np.clip(weight_q + change, -rule.weight_max, rule.weight_max)


def draw(seed: int, count: int, shape: tuple[int, int]) -> Int64Array:
    """Pseudo-random non-negative int64 of `shape`: the splitmix64 hash of (seed, count, position).

    Source of the mixing constants: Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
    OOPSLA 2014.
    """
    golden, first, second = (np.uint64(c) for c in _MIX)
    with np.errstate(over="ignore"):
        stream = _mix(np.array([seed], np.uint64) * golden + np.uint64(count), golden, first, second)
        position = np.arange(shape[0] * shape[1], dtype=np.uint64).reshape(shape)
        z = _mix(stream + position * golden, golden, first, second)
    return (z >> np.uint64(1)).astype(np.int64)


def _mix(
    z: npt.NDArray[np.uint64], golden: np.uint64, first: np.uint64, second: np.uint64
) -> npt.NDArray[np.uint64]:
    z = z + golden
    z = (z ^ (z >> np.uint64(30))) * first
    z = (z ^ (z >> np.uint64(27))) * second
    mixed: npt.NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return mixed
