"""The float network against the integer engine, layer by layer: what rounding cost, and where it starts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import log10
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.backend import LayerTrace, Result, get_backend
from neurodeploy.compare.health import potential
from neurodeploy.errors import InputError
from neurodeploy.ir import LIF, Graph, IntLIF, Readout
from neurodeploy.ir.interpreter import FloatResult, interpret
from neurodeploy.network import Network, Stimulus

Array = npt.NDArray[Any]
TRACED_ELEMENTS = 1 << 22
"""Largest number of (step, sample, neuron) elements of one batch's traces; bounds the memory."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first difference of one layer's spikes: earliest step, then lowest sample, then lowest neuron.

    Potentials are those compared with the threshold, in units of the float network (for reset 'zero':
    those after the reset, see `neurodeploy.compare.health.potential`).
    """

    step: int
    sample: int
    neuron: int
    float_spike: int
    integer_spike: int
    float_potential: float
    integer_potential: float
    threshold: float


@dataclass(frozen=True, slots=True)
class LayerComparison:
    """One layer of neurons, float against integer.

    `mismatch_percent` is the share of differing spikes, `mismatch_by_step` the same for each step; rates are
    spikes per neuron and step (all None for a readout). `unit` is the float potential that one integer unit
    is worth: threshold / threshold_q, and for a readout, which has no threshold, the least-squares factor

        unit = sum(v_float v_int) / sum(v_int^2)

    `sqnr_db` = 10 log10(sum v_float^2 / sum (v_float - unit v_int)^2), over potentials at the end of each
    step; infinite for no difference. A spike that only one side fired makes potentials differ by a threshold.
    """

    layer: str
    mismatch_percent: float | None
    mismatch_by_step: tuple[float, ...] | None
    rate_float: float | None
    rate_integer: float | None
    sqnr_db: float
    unit: float
    first: Divergence | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; an SQNR that is not finite becomes None, `exact`: nothing differs."""
        exact = self.sqnr_db == float("inf")
        finite = self.sqnr_db if np.isfinite(self.sqnr_db) else None
        return asdict(self) | {"sqnr_db": finite, "exact": exact}


@dataclass(frozen=True, slots=True, eq=False)
class LayerSums:
    """Sums over some samples from which a `LayerComparison` follows; those of two parts can be added.

    `values` counts (step, sample, neuron) elements, `differing` `(T,)` differing spikes; the powers are sums
    over float potentials, integer potentials and their product, and of `unit v_int - v_float` where the
    threshold gives the unit (0 for a readout, whose unit is known only at the end).
    """

    values: int
    differing: npt.NDArray[np.int64]
    spikes_float: int
    spikes_integer: int
    power_float: float
    power_integer: float
    product: float
    error: float
    first: Divergence | None

    def __add__(self, other: LayerSums) -> LayerSums:
        candidates = [one for one in (self.first, other.first) if one is not None]
        return LayerSums(
            self.values + other.values,
            self.differing + other.differing,
            self.spikes_float + other.spikes_float,
            self.spikes_integer + other.spikes_integer,
            self.power_float + other.power_float,
            self.power_integer + other.power_integer,
            self.product + other.product,
            self.error + other.error,
            min(candidates, key=lambda one: (one.step, one.sample, one.neuron), default=None),
        )


def compare_layers(
    graph: Graph, network: Network, x: npt.ArrayLike, *, time_axis: bool = False
) -> tuple[LayerComparison, ...]:
    """Run the float `graph` and the integer `network` on real input `x` and compare every layer of neurons.

    `x`: `(N, *shape)`, or `(T, N, *shape)` with `time_axis`. Raises `InputError` where the two are not the
    same network or the input does not fit.
    """
    check_same(graph, network)
    real = np.asarray(x)
    stimulus = network.stimulus(real, time_axis=time_axis)
    engine = get_backend("engine")
    total: dict[str, LayerSums] = {}
    for part in batches(network, stimulus):
        result = engine.run(network, stimulus.select(part), trace=True)
        floats = interpret(
            graph, real[:, part] if time_axis else real[part], network.steps, time_axis=time_axis
        )
        sums = layer_sums(graph, network, floats, result, part.start)
        total = {name: total[name] + one if name in total else one for name, one in sums.items()}
    return comparisons(graph, network, total)


def check_same(graph: Graph, network: Network) -> None:
    """Check that both have the same layers of neurons; raises `InputError` naming the first that differs."""
    layers: dict[str, LIF | Readout] = {**graph.of(LIF), **graph.of(Readout)}
    for name, op in network.neurons.items():
        other = layers.get(name)
        if other is None:
            raise InputError(
                f"the float model has no layer '{name}'; is it the one this network was compiled from?"
            )
        if other.shape != op.shape or isinstance(other, LIF) != (op.reset != "none"):
            kind = "readout" if op.reset == "none" else "lif"
            raise InputError(
                f"layer '{name}': the float model has {other.kind}{list(other.shape)}, the network "
                f"{kind}{list(op.shape)}; they do not belong together"
            )


def batches(network: Network, stimulus: Stimulus) -> Iterator[slice]:
    """Slices of samples whose traces, of all layers together, have at most `TRACED_ELEMENTS` elements."""
    neurons = sum(network.graph.types[name].size for name in network.neurons)
    size = max(1, TRACED_ELEMENTS // (neurons * stimulus.steps))
    for start in range(0, stimulus.samples, size):
        yield slice(start, min(start + size, stimulus.samples))


def layer_sums(
    graph: Graph, network: Network, floats: FloatResult, result: Result, first_sample: int = 0
) -> dict[str, LayerSums]:
    """Sums of every layer over one traced run, whose first sample is number `first_sample` of the data."""
    return {
        name: _sums(graph.op(name), op, floats, result.traces[name], name, first_sample)
        for name, op in network.neurons.items()
    }


def _sums(
    float_op: object, op: IntLIF, floats: FloatResult, trace: LayerTrace, name: str, first_sample: int
) -> LayerSums:
    float_spikes, integer_spikes = _flat(floats.spikes[name]), _flat(trace.spikes)
    differs = float_spikes.astype(np.int64) != integer_spikes
    v_float = _flat(floats.membrane[name]).astype(np.float64)
    v_integer = _flat(trace.membrane).astype(np.float64)
    first, error = None, 0.0
    if isinstance(float_op, LIF):
        error = float(np.square(v_float - v_integer * (float_op.threshold / op.threshold_q)).sum())
    if isinstance(float_op, LIF) and differs.any():
        at = np.unravel_index(int(np.argmax(differs)), differs.shape)
        first = _divergence(float_op, op, floats, trace, name, at, first_sample)
    return LayerSums(
        differs.size,
        differs.sum(axis=(1, 2)),
        int(float_spikes.sum(dtype=np.int64)),
        int(integer_spikes.sum()),
        float(np.square(v_float).sum()),
        float(np.square(v_integer).sum()),
        float((v_float * v_integer).sum()),
        error,
        first,
    )


def _divergence(
    lif: LIF,
    op: IntLIF,
    floats: FloatResult,
    trace: LayerTrace,
    name: str,
    at: tuple[Any, ...],
    first_sample: int,
) -> Divergence:
    float_spike = int(_flat(floats.spikes[name])[at])
    float_potential = float(_flat(floats.membrane[name])[at])
    if op.reset == "subtract":
        float_potential += lif.threshold * float_spike
    return Divergence(
        int(at[0]),
        int(at[1]) + first_sample,
        int(at[2]),
        float_spike,
        int(_flat(trace.spikes)[at]),
        float_potential,
        float(_flat(potential(op, trace))[at] * (lif.threshold / op.threshold_q)),
        lif.threshold,
    )


def _flat(values: Array) -> Array:
    return values.reshape(*values.shape[:2], -1)


def comparisons(graph: Graph, network: Network, sums: dict[str, LayerSums]) -> tuple[LayerComparison, ...]:
    """The comparison of every layer that its sums give, in the order in which the layers compute."""
    return tuple(_comparison(graph.op(name), op, name, sums[name]) for name, op in network.neurons.items())


def _comparison(float_op: object, op: IntLIF, name: str, s: LayerSums) -> LayerComparison:
    if not isinstance(float_op, LIF):
        unit = s.product / s.power_integer if s.power_integer else 0.0
        sqnr = _decibel(s.power_float, s.power_float - unit * s.product)
        return LayerComparison(name, None, None, None, None, sqnr, unit, None)
    per_step = s.values // len(s.differing)
    return LayerComparison(
        name,
        100 * int(s.differing.sum()) / s.values,
        tuple(100 * int(n) / per_step for n in s.differing),
        s.spikes_float / s.values,
        s.spikes_integer / s.values,
        _decibel(s.power_float, s.error),
        float_op.threshold / op.threshold_q,
        s.first,
    )


def _decibel(signal: float, error: float) -> float:
    if error <= 0.0:
        return float("inf")
    return 10 * log10(signal / error) if signal else float("-inf")
