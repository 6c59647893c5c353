"""Bias correction: what spikes of T steps lose or add on average is given back as a bias."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from neurodeploy.frontends.onnx_ann.convert import Spiking, convert
from neurodeploy.frontends.onnx_ann.evaluate import activations
from neurodeploy.frontends.onnx_ann.relu import Relu
from neurodeploy.frontends.onnx_ann.tensors import Array
from neurodeploy.ir import LIF, Graph
from neurodeploy.ir.interpreter import FloatResult, interpret

LARGEST_TRACE = 1 << 26
"""Most numbers of spikes and potentials that are kept of samples which run together."""


def corrected(graph: Graph, output: str, how: Spiking, x: Array, steps: int, rounds: int) -> Spiking:
    """`how` with biases that make the mean of each channel right over the data x `(N, *shape)`.

        I = (v[T] - v[0]) / T + lambda s / T - b        the mean input of a neuron, s its spikes
        b += mean over samples and places of  min(max(I, 0), cap) - lambda s / T

    Each neuron is compared with what a ReLU would make of its own input, so that one run serves all layers: what a
    layer gets wrong is given back there, and no layer pays for those before it. At last the readout gets the mean
    difference of the outputs. The bias calibration of Li et al., "A Free Lunch From ANN", ICML 2021, has the
    same end, but compares with the ANN's activations and so needs a run for each layer.
    """
    for _ in range(rounds):
        how = replace(how, biases=_of_neurons(graph, output, how, x, steps))
    if rounds and not isinstance(graph.op(output), Relu):
        how = replace(how, biases={**how.biases, output: _of_readout(graph, output, how, x, steps)})
    return how


def _of_neurons(graph: Graph, output: str, how: Spiking, x: Array, steps: int) -> Mapping[str, Array]:
    spiking, _ = convert(graph, output, how)
    layers, relus = spiking.of(LIF), graph.of(Relu)
    errors = {name: np.zeros(op.shape[0]) for name, op in layers.items()}
    for result in _runs(spiking, x, steps):
        for name, op in layers.items():
            rate = result.spikes[name].sum(axis=0, dtype=np.float64) * op.threshold / steps
            given = (result.membrane[name][-1] - op.initial) / steps + rate - op.bias
            error = np.clip(given, 0.0, relus[name].cap) - rate
            errors[name] += error.reshape(*error.shape[:2], -1).mean(axis=2).sum(axis=0) / len(x)
    return {name: how.biases.get(name, np.zeros(())) + error for name, error in errors.items()}


def _of_readout(graph: Graph, output: str, how: Spiking, x: Array, steps: int) -> Array:
    spiking, _ = convert(graph, output, how)
    wanted = activations(graph, x, frozenset({output}))[output]
    given = (
        np.concatenate([result.membrane[result.output][-1] for result in _runs(spiking, x, steps)]) / steps
    )
    error = wanted.astype(np.float64) - given
    mean: Array = error.reshape(*error.shape[:2], -1).mean(axis=(0, 2))
    return mean


def _runs(spiking: Graph, x: Array, steps: int) -> Iterator[FloatResult]:
    """Results of all samples, a few at a time, which bounds the memory of their traces."""
    neurons = sum(kind.size for kind in spiking.types.values() if kind.signal in ("spike", "potential"))
    batch = max(1, LARGEST_TRACE // (2 * steps * neurons))
    return (interpret(spiking, x[i : i + batch], steps) for i in range(0, len(x), batch))
