"""Is every layer alive? Dead, always-on, saturated and duplicate neurons, weights at the ends of the grid, headroom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from math import log2
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import IntArray, LayerTrace, Result
from neurodeploy.compare.duplicates import duplicates
from neurodeploy.errors import UsageError
from neurodeploy.ir import IntLIF, IntSynapses
from neurodeploy.network import Network
from neurodeploy.quant.record import recorded
from neurodeploy.semantics import signed_bits

PILE_UP = 2.0
"""How many times the share that evenly spread weights would have at the ends of the grid is too much."""
LOW_HEADROOM_BITS = 0.5
CLIPPED_SHARE = 0.01
"""Share of weights beyond the end of the grid that is worth a warning."""


@dataclass(frozen=True, slots=True, eq=False)
class LayerActivity:
    """A layer over some samples: `fired` int64 `(n,)`: spikes of each neuron; range of `potential`.

    `active` int64 `(n,)` counts the steps in which a neuron fired, once or several times.
    """

    fired: IntArray
    active: IntArray
    low: int
    high: int

    def __add__(self, other: LayerActivity) -> LayerActivity:
        return LayerActivity(
            self.fired + other.fired,
            self.active + other.active,
            min(self.low, other.low),
            max(self.high, other.high),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Activity:
    """What a traced run showed, by layer; the activities of two parts of the data can be added."""

    samples: int
    steps: int
    layers: Mapping[str, LayerActivity]
    overflows: Mapping[str, int] | None

    def __add__(self, other: Activity) -> Activity:
        counted = None
        if self.overflows is not None and other.overflows is not None:
            counted = {name: n + other.overflows[name] for name, n in self.overflows.items()}
        layers = {name: one + other.layers[name] for name, one in self.layers.items()}
        return Activity(self.samples + other.samples, self.steps, layers, counted)


@dataclass(frozen=True, slots=True)
class Warn:
    """One thing that is not as it should be, and what can be done."""

    layer: str
    kind: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"layer '{self.layer}': {self.what}. {self.remedy}"


@dataclass(frozen=True, slots=True)
class LayerHealth:
    """One layer of neurons with its synapses.

    `dead` and `always_on` are indices of neurons that fired in no step, or in every step of every sample
    (empty for a readout). `duplicates` are groups of neurons (channels of a convolution) with the same incoming
    weights, bias and threshold. `overflows` counts values of u and v that a register could not hold (None: not
    counted). Of `weights`, `weights_clipped` lay beyond the end of the grid when they were quantized, and
    `weights_at_ends` are the largest or smallest integers of their `weight_bits`.
    `membrane_low..membrane_high` is the range of `potential`; `headroom_bits` = log2(register's end / largest
    magnitude), infinite for a potential that is always 0.
    """

    layer: str
    neurons: int
    spiking: bool
    rate: float | None
    dead: tuple[int, ...]
    always_on: tuple[int, ...]
    duplicates: tuple[tuple[int, ...], ...]
    overflows: int | None
    weights: int
    weights_clipped: int
    weights_at_ends: int
    weight_bits: int
    membrane_low: int
    membrane_high: int
    register_bits: int
    headroom_bits: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; an infinite headroom becomes None."""
        values = asdict(self)
        return values | {
            "dead": list(self.dead),
            "always_on": list(self.always_on),
            "duplicates": [list(group) for group in self.duplicates],
            "headroom_bits": self.headroom_bits if np.isfinite(self.headroom_bits) else None,
        }


@dataclass(frozen=True, slots=True)
class Health:
    """All layers, in the order in which they compute, over `samples` samples of `steps` steps."""

    samples: int
    steps: int
    layers: tuple[LayerHealth, ...]
    warnings: tuple[Warn, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "samples": self.samples,
            "steps": self.steps,
            "layers": [one.to_dict() for one in self.layers],
            "warnings": [asdict(one) for one in self.warnings],
        }


def potential(op: IntLIF, trace: LayerTrace) -> IntArray:
    """The potential as it was compared with the threshold, `(T, N, *shape)`.

    v + reset_by_q s for reset 'subtract', v for a readout. Reset 'zero' keeps no trace of the value that
    fired: there it is v after the reset.
    """
    return trace.membrane + op.subtracts_q * trace.spikes if op.reset == "subtract" else trace.membrane


def activity(network: Network, result: Result) -> Activity:
    """What each layer did in a traced run; raises `UsageError` for a run without traces."""
    layers = {}
    for name, op in network.neurons.items():
        if name not in result.traces:
            raise UsageError(
                f"the result of '{result.backend}' has no trace of layer '{name}'; run with trace=True"
            )
        trace = result.traces[name]
        values = potential(op, trace)
        fired, active = (s.sum(axis=(0, 1)).reshape(-1) for s in (trace.spikes, trace.spikes > 0))
        layers[name] = LayerActivity(fired, active, int(values.min()), int(values.max()))
    steps, samples = result.spikes.shape[:2]
    counted = None
    if result.overflows is not None:
        counted = {name: result.overflows.get(name, 0) for name in network.neurons}
    return Activity(samples, steps, layers, counted)


def health(network: Network, observed: Result | Activity) -> Health:
    """The state of every layer, and a warning with a remedy for each thing that is not as it should be.

    `observed` is a traced run, or what several parts of the data add up to (`activity`). Dead and always-on
    hold for those samples, not for every input.
    """
    seen = activity(network, observed) if isinstance(observed, Result) else observed
    layers = tuple(_layer(network, name, op, seen) for name, op in network.neurons.items())
    warnings = tuple(warn for layer in layers for warn in _warnings(layer, seen))
    return Health(seen.samples, seen.steps, layers, warnings)


def _layer(network: Network, name: str, op: IntLIF, seen: Activity) -> LayerHealth:
    one, most = seen.layers[name], seen.samples * seen.steps
    spiking = op.reset != "none"
    weights = [_weights(network, source) for source in network.graph.sources(name)]
    bits = [signed_bits(w) for w in weights]
    register = network.registers.v
    largest = max(abs(one.low), abs(one.high))
    return LayerHealth(
        layer=name,
        neurons=one.fired.size,
        spiking=spiking,
        rate=float(one.fired.mean() / most) if spiking else None,
        dead=_where(spiking, one.fired == 0),
        always_on=_where(spiking, one.active == most),
        duplicates=duplicates(network, name),
        overflows=None if seen.overflows is None else seen.overflows[name],
        weights=sum(w.size for w in weights),
        weights_clipped=sum(_clipped(network, source) for source in network.graph.sources(name)),
        weights_at_ends=sum(_at_ends(w, b) for w, b in zip(weights, bits, strict=True)),
        weight_bits=max(bits, default=0),
        membrane_low=one.low,
        membrane_high=one.high,
        register_bits=register.bits,
        headroom_bits=log2(register.high / largest) if largest else float("inf"),
    )


def _weights(network: Network, name: str) -> npt.NDArray[np.int8]:
    op = network.graph.op(name)
    return op.weight_q if isinstance(op, IntSynapses) else np.zeros(0, np.int8)


def _clipped(network: Network, name: str) -> int:
    """Weights of one group that the quantizer clipped, as it recorded them."""
    clipped = recorded(network, name).get("clipped", 0)
    return clipped if isinstance(clipped, int) else 0


def _where(spiking: bool, mask: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(np.flatnonzero(mask).tolist()) if spiking else ()


def _at_ends(weight_q: npt.NDArray[np.int8], bits: int) -> int:
    return int(np.count_nonzero(np.abs(weight_q.astype(np.int64)) >= (1 << (bits - 1)) - 1))


def _warnings(one: LayerHealth, seen: Activity) -> Iterator[Warn]:
    where = f"in {seen.samples} samples of {seen.steps} steps"
    if one.dead and len(one.dead) == one.neurons:
        remedy = "Lower the threshold or check the scale of the input: nothing after this layer can work"
        yield Warn(one.layer, "silent", f"none of the {one.neurons} neurons fires {where}", remedy)
    elif one.dead:
        remedy = "Train with a firing-rate penalty or lower the threshold; what stays dead can be pruned"
        yield Warn(one.layer, "dead", f"{len(one.dead)} of {one.neurons} neurons never fire {where}", remedy)
    if one.always_on:
        what = f"{len(one.always_on)} of {one.neurons} neurons fire in every step {where}"
        yield Warn(
            one.layer, "always-on", what, "They carry no information: raise the threshold or lower their bias"
        )
    if one.overflows:
        what = f"{one.overflows} values of u or v left their registers {where}"
        remedy = "Compile with fewer --bits, or scale weights and threshold down together"
        yield Warn(one.layer, "saturated", what, remedy)
    elif one.headroom_bits < LOW_HEADROOM_BITS:
        what = (
            f"the potential comes within {one.headroom_bits:.2f} bits of its {one.register_bits}-bit register"
        )
        remedy = "Other inputs may overflow unless the ranges prove that none can; fewer --bits make room"
        yield Warn(one.layer, "headroom", what, remedy)
    if one.weights_at_ends > max(2.0, PILE_UP * 2 / ((1 << one.weight_bits) - 1) * one.weights):
        what = f"{one.weights_at_ends} of {one.weights} weights are at the ends of {one.weight_bits} bits"
        remedy = "Give the layer a wider grid; if it learned on the chip, lower the learning rate"
        yield Warn(one.layer, "at-ends", what, remedy)
    if one.weights_clipped > CLIPPED_SHARE * one.weights:
        what = f"{one.weights_clipped} of {one.weights} weights were clipped to the ends of their grid"
        yield Warn(
            one.layer, "clipped", what, "Compile with --set quant.clip=max, or with more bits for this layer"
        )
    if one.duplicates:
        spare = sum(len(group) - 1 for group in one.duplicates)
        first = ", ".join(str(n) for n in one.duplicates[0][:8])
        what = (
            f"{spare} neurons or channels are copies of others (same weights, bias and threshold), as {first}"
        )
        remedy = "Keep one of each and add up their outgoing weights; more --bits may tell them apart"
        yield Warn(one.layer, "duplicate", what, remedy)
