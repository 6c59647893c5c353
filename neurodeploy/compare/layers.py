"""Layers of neurons against the float network: what rounding cost, and where it starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from math import isfinite, log10, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.compare.values import LayerRun, LayerValues
from neurodeploy.network import Network, Stimulus

IntArray = npt.NDArray[np.int64]
TRACED_ELEMENTS = 1 << 22
"""Largest number of (step, sample, neuron) elements of one batch's traces; bounds the memory."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first difference of one layer's spikes: earliest step, then lowest sample, then lowest neuron.

    Potentials are those compared with the threshold, in units of the float network (for reset 'zero':
    those after the reset, see `LayerValues.potential`); `threshold` is the float network's.
    """

    step: int
    sample: int
    neuron: int
    float_spike: int
    spike: int
    float_potential: float
    potential: float
    threshold: float


@dataclass(frozen=True, slots=True)
class LayerComparison:
    """One layer of neurons against the same layer of the float network.

    `mismatch_percent` is the share of differing spikes, `mismatch_by_step` the same for each step; rates are
    spikes per neuron and step. `rate_emd` is the earth mover's distance between the two distributions of rates
    over neurons, their 1-D Wasserstein distance: mean |sorted rates - sorted float rates|. All None for a readout.

        sqnr_db = 10 log10(sum v_float^2 / sum (v_float - v)^2)
        cosine  = sum(v_float v) / sqrt(sum v_float^2 sum v^2)

    over potentials at the end of each step, in float units; an SQNR is infinite for no difference. A spike that only
    one side fired makes potentials differ by a threshold. `cosine` is None where one side is 0 throughout.
    """

    layer: str
    mismatch_percent: float | None
    mismatch_by_step: tuple[float, ...] | None
    rate_float: float | None
    rate: float | None
    rate_emd: float | None
    sqnr_db: float
    cosine: float | None
    first: Divergence | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; an SQNR that is not finite becomes None, `exact`: nothing differs."""
        return asdict(self) | plain_decibel(self.sqnr_db)


@dataclass(frozen=True, slots=True, eq=False)
class LayerSums:
    """Sums over some samples from which a `LayerComparison` follows; those of two parts can be added.

    `values` counts (step, sample, neuron) elements, `differing` `(T,)` differing spikes; `fired_float` and `fired`
    `(n,)` are spikes of each neuron; the powers are sums over squared potentials, `product` and `error` over the
    product and the squared difference of both sides' potentials.
    """

    spiking: bool
    values: int
    differing: IntArray
    fired_float: IntArray
    fired: IntArray
    power_float: float
    power: float
    product: float
    error: float
    first: Divergence | None

    def __add__(self, other: LayerSums) -> LayerSums:
        candidates = [one for one in (self.first, other.first) if one is not None]
        return LayerSums(
            self.spiking,
            self.values + other.values,
            self.differing + other.differing,
            self.fired_float + other.fired_float,
            self.fired + other.fired,
            self.power_float + other.power_float,
            self.power + other.power,
            self.product + other.product,
            self.error + other.error,
            min(candidates, key=lambda one: (one.step, one.sample, one.neuron), default=None),
        )

    @property
    def sqnr_db(self) -> float:
        """See `LayerComparison`."""
        return decibel(self.power_float, self.error)


def batches(network: Network, stimulus: Stimulus, runs: int = 2) -> Iterator[slice]:
    """Slices of samples whose traces, of all layers, have at most `TRACED_ELEMENTS` elements in two runs.

    `runs` is how many runs are kept at a time.
    """
    neurons = sum(network.graph.types[name].size for name in network.neurons)
    size = max(1, 2 * TRACED_ELEMENTS // (runs * neurons * stimulus.steps))
    for start in range(0, stimulus.samples, size):
        yield slice(start, min(start + size, stimulus.samples))


def added(total: Mapping[str, LayerSums], part: Mapping[str, LayerSums]) -> dict[str, LayerSums]:
    """Sums of two parts of the data, layer by layer; `total` may be empty."""
    return {name: total[name] + one if name in total else one for name, one in part.items()}


def layer_sums(floats: LayerRun, others: LayerRun, first_sample: int = 0) -> dict[str, LayerSums]:
    """Sums of every layer of `others` over one run, whose first sample is number `first_sample` of the data."""
    return {name: _sums(floats[name], other, first_sample) for name, other in others.items()}


def _sums(real: LayerValues, other: LayerValues, first_sample: int) -> LayerSums:
    differs = real.spikes != other.spikes
    v_float, v = real.membrane.astype(np.float64), other.membrane.astype(np.float64)
    return LayerSums(
        real.threshold is not None,
        differs.size,
        differs.sum(axis=(1, 2)),
        real.spikes.sum(axis=(0, 1), dtype=np.float64).astype(np.int64),
        other.spikes.sum(axis=(0, 1), dtype=np.float64).astype(np.int64),
        float(np.square(v_float).sum()),
        float(np.square(v).sum()),
        float((v_float * v).sum()),
        float(np.square(v_float - v).sum()),
        _divergence(real, other, differs, first_sample) if differs.any() else None,
    )


def _divergence(
    real: LayerValues, other: LayerValues, differs: npt.NDArray[np.bool_], first_sample: int
) -> Divergence:
    t, sample, neuron = (int(i) for i in np.unravel_index(int(np.argmax(differs)), differs.shape))
    at = (t, sample, neuron)
    return Divergence(
        t,
        sample + first_sample,
        neuron,
        int(real.spikes[at]),
        int(other.spikes[at]),
        real.potential(at),
        other.potential(at),
        0.0 if real.threshold is None else float(real.threshold[neuron]),
    )


def comparison(name: str, s: LayerSums) -> LayerComparison:
    """The comparison of a layer that its sums give."""
    norm = sqrt(s.power_float * s.power)
    cosine = s.product / norm if norm else None
    if not s.spiking:
        return LayerComparison(name, None, None, None, None, None, s.sqnr_db, cosine, None)
    per_step, per_neuron = s.values // len(s.differing), s.values // len(s.fired)
    distance = np.abs(np.sort(s.fired_float) - np.sort(s.fired)).mean() / per_neuron
    return LayerComparison(
        name,
        100 * int(s.differing.sum()) / s.values,
        tuple(100 * int(n) / per_step for n in s.differing),
        int(s.fired_float.sum()) / s.values,
        int(s.fired.sum()) / s.values,
        float(distance),
        s.sqnr_db,
        cosine,
        s.first,
    )


def decibel(signal: float, error: float) -> float:
    """10 log10(signal / error); infinite for no error."""
    if error <= 0.0:
        return float("inf")
    return 10 * log10(signal / error) if signal else float("-inf")


def plain_decibel(value: float, prefix: str = "") -> dict[str, Any]:
    """An SQNR for JSON: None where it is not finite, and `exact` where there is no error."""
    return {f"{prefix}sqnr_db": value if isfinite(value) else None, f"{prefix}exact": value == float("inf")}
