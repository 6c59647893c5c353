"""Bias, decay and threshold of a quantized layer, chosen together so that it fires as the real one does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from neurodeploy.ir import DECAY_ONE, LIF, Graph, IntInput, IntLIF
from neurodeploy.ir.integer_ops import NEURON_PARAMETERS
from neurodeploy.ir.interpreter import compute
from neurodeploy.network import quantize_input
from neurodeploy.quant.layer import ANY, Limits
from neurodeploy.quant.moments import Inputs, first_samples
from neurodeploy.semantics import CURRENT_SHIFT, Registers, State, step
from neurodeploy.semantics.currents import current

Array = npt.NDArray[Any]
NeuronRounding = Literal["nearest", "fit"]
SAMPLES = 128
"""Samples that the layers run on."""
NEURONS = 4096
"""Most neurons of a layer that run, evenly spaced."""
STEPS = (1 / 32, 1 / 64, 1 / 128, 1 / 256)
"""Relative steps of threshold and kept potential, coarse to fine."""
FURTHEST = 1 / 16
"""Largest relative change of either."""


@dataclass(frozen=True, slots=True)
class Firing:
    """What a layer does with decay and threshold as they are here: `rate` in spikes per neuron and step.

    `error` is the mean squared difference of the spike counts of a neuron in a sample to those of the real layer.
    """

    dv: int
    threshold_q: int
    rate: float
    error: float


@dataclass(frozen=True, slots=True)
class Fit:
    """Neurons after the choice. `rounded` and `chosen` are means over the layer; None for a readout.

    `bias` is the largest change of a bias, in integers; `rate` that of the real layer.
    """

    neurons: IntLIF
    bias: int
    rate: float = 0.0
    rounded: Firing | None = None
    chosen: Firing | None = None

    def record(self) -> dict[str, Any]:
        """As JSON values."""
        firing = {
            name: {key: getattr(one, key) for key in Firing.__slots__}
            for name, one in (("rounded", self.rounded), ("chosen", self.chosen))
            if one is not None
        }
        return {"bias": self.bias, **({"rate": self.rate, **firing} if firing else {})}

    def __str__(self) -> str:
        text = f"bias moved by up to {self.bias} to make up for the mean current that rounding lost"
        if self.rounded is None or self.chosen is None:
            return text
        a, b = self.rounded, self.chosen
        return (
            f"{text}; decay {a.dv} -> {b.dv}, threshold {a.threshold_q} -> {b.threshold_q}: {self.rate:.4f} spikes "
            f"per neuron and step in float, {a.rate:.4f} before, {b.rate:.4f} now; squared error of the spike "
            f"counts {a.error:.3g} -> {b.error:.3g}"
        )


class Fitter:
    """Fits the layers of `made`, the integer form of `graph`, on the first 128 of `sample`.

    `sample` is `(N, *shape)`, shown in every step, or `(T, N, *shape)` with `time_axis`.
    Layer after layer gets what the fitted integer layers before it send, so that each makes up for their rounding too:

        bias_q += round(mean(I) / unit - 64 mean(a))      I the real current, a the integer one
        (dv, threshold_q) least squares of the spike counts of each neuron and sample, near the rounded ones

    Means are over steps and samples, and over places of a convolution. The pair is searched along both axes, in
    factors of the threshold and of the kept share 4096 - dv within 1/16; decays 0 and 4096 stay. What is beyond
    `limits` is not taken. Layers that send back, through a delay, send what the real ones do. `units` are the real
    potentials that one integer step is worth.
    The idea of the bias: Nagel et al., ICCV 2019, section 4.2 (bias correction).
    """

    def __init__(
        self,
        graph: Graph,
        made: Graph,
        sample: Array,
        steps: int,
        registers: Registers,
        limits: Limits,
        *,
        time_axis: bool = False,
    ) -> None:
        few = first_samples(sample, SAMPLES, time_axis).astype(np.float32)
        stimulus = quantize_input(next(iter(made.of(IntInput).values())), few, steps, time_axis)
        self._graph, self._made, self._registers, self._limits = graph, made, registers, limits
        self._x = np.stack([stimulus.frame(t) for t in range(steps)])
        self._real = Inputs.of_run(graph, few, steps, time_axis)
        self._sent = dict(self._real.result.spikes)

    def fits(self, units: Mapping[str, float]) -> Iterator[tuple[str, Fit]]:
        """Every layer of neurons that synapses reach, in the order in which they compute."""
        for name, neurons in self._made.of(IntLIF).items():
            if self._graph.sources(name):
                a = current(self._made, name, self._x, self._sent)
                fit = self._fit(name, neurons, a, units[name])
                self._sent[name] = run(fit.neurons, a, self._registers)
                yield name, fit

    def _fit(self, name: str, neurons: IntLIF, a: Array, unit: float) -> Fit:
        moved = self._with_bias(name, neurons, a, unit)
        change = int(np.abs(moved.bias_q - neurons.bias_q).max())
        if not isinstance(self._graph.op(name), LIF):
            return Fit(moved, change)
        layer = Layer(self._real.result.spikes[name], a, self._registers)
        chosen = layer.nearest(moved, self._limits)
        return Fit(chosen, change, layer.rate, layer.firing(neurons), layer.firing(chosen))

    def _with_bias(self, name: str, neurons: IntLIF, a: Array, unit: float) -> IntLIF:
        lost = self._mean_current(name) / unit - a.mean((0, 1)) * (1 << CURRENT_SHIFT)
        if lost.ndim > 1:
            lost = lost.mean(tuple(range(1, lost.ndim)), keepdims=True)
        moved = replace(neurons, bias_q=neurons.bias_q + np.rint(lost).astype(np.int64))
        return moved if self._limits.hold(moved) else neurons

    def _mean_current(self, name: str) -> Array:
        """The mean over steps and samples of the real current, `(*shape)`."""
        total: Array = np.zeros(self._graph.types[name].shape)
        for source in self._graph.sources(name):
            mean = self._real.of(source).mean(0, dtype=np.float64, keepdims=True)
            total += compute(self._graph.op(source), [mean])[0]
        return total


def run(op: IntLIF, a: Array, registers: Registers) -> Array:
    """What neurons send that get `a` `(T, N, *shape)`, in its shape."""
    state, sent = State.start(op, a.shape[1:2]), np.empty(a.shape, np.int32)
    for t, now in enumerate(a):
        done = step(op, registers, state, now)
        state, sent[t] = done.state, done.spikes
    return sent


class Layer:
    """Neurons that run on the current `a` and should fire as `spikes` do, both `(T, N, *shape)`."""

    def __init__(self, spikes: Array, a: Array, registers: Registers) -> None:
        self._every = max(1, prod(a.shape[2:]) // NEURONS)
        self._counts = self._some(spikes).sum(0)
        self._a, self._registers = self._some(a), registers
        self.rate = float(self._counts.mean() / len(a))

    def firing(self, op: IntLIF) -> Firing:
        """What these neurons do."""
        counts = run(self._part(op), self._a, self._registers).sum(0)
        error = float(np.square(counts - self._counts).mean())
        rate = float(counts.mean() / len(self._a))
        return Firing(int(op.dv.mean()), int(op.threshold_q.mean()), rate, error)

    def nearest(self, op: IntLIF, limits: Limits = ANY) -> IntLIF:
        """The neurons with the pair of decay and threshold whose spike counts have the least squared error.

        Only pairs within `limits` are tried.
        """
        best, (threshold, kept) = op, (1.0, 1.0)
        least = self.firing(op).error
        for by in STEPS:
            for more, keeps in ((1 + by, 1.0), (1 - by, 1.0), (1.0, 1 + by), (1.0, 1 - by)):
                while True:
                    tried = threshold * more, kept * keeps
                    if max(abs(one - 1) for one in tried) > FURTHEST:
                        break
                    made = scaled(op, *tried)
                    if not limits.hold(made) or (error := self.firing(made).error) >= least:
                        break
                    best, least, (threshold, kept) = made, error, tried
        return best

    def _some(self, values: Array) -> Array:
        """Evenly spaced neurons of `(T, N, *shape)`: `(T, N, neurons)`."""
        return values.reshape(*values.shape[:2], -1)[..., :: self._every]

    def _part(self, op: IntLIF) -> IntLIF:
        """The same neurons of the layer."""

        def some(values: Array | None) -> Array | None:
            return None if values is None else np.broadcast_to(values, op.shape).reshape(-1)[:: self._every]

        parameters: dict[str, Any] = {name: some(getattr(op, name)) for name in NEURON_PARAMETERS}
        return replace(op, shape=self._a.shape[2:], **parameters)


def scaled(op: IntLIF, threshold: float, kept: float) -> IntLIF:
    """The neurons with `threshold` times their threshold, and `kept` times the share of the potential they keep."""
    keep = np.clip(np.rint((DECAY_ONE - op.dv) * kept), 0, DECAY_ONE).astype(np.int64)
    fixed = (op.dv == 0) | (op.dv == DECAY_ONE)
    threshold_q = np.maximum(np.rint(op.threshold_q * threshold), 1).astype(np.int64)
    return replace(op, dv=np.where(fixed, op.dv, DECAY_ONE - keep), threshold_q=threshold_q)
