"""Synapses and neurons of one layer: weights, biases and delays of the file as operations of the graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurodeploy.errors import UnsupportedError
from neurodeploy.frontends.netx.chain import Chain
from neurodeploy.frontends.netx.format import LONGEST_DELAY
from neurodeploy.frontends.netx.layer import Layer
from neurodeploy.frontends.netx.neurons import Neurons, is_readout, read_neurons, without_neurons
from neurodeploy.frontends.netx.synapses import quantized, read_delays
from neurodeploy.ir import IntDense, IntSynapses, Shape
from neurodeploy.ir.op import Int8Array, Int64Array
from neurodeploy.network import Note


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of a layer, what makes synapses of them with an exponent, and recurrent weights if there are any."""

    weight: Int64Array
    make: Callable[[Int8Array, int], IntSynapses]
    groups: int = 1
    recurrent: Int64Array | None = None


def connect(chain: Chain, layer: Layer, weights: Weights, shape: Shape) -> None:
    """Append the layer's synapses and its neurons of `shape`.

    Raises `UnsupportedError`/`InputError` for fields that have no meaning in the graph.
    """
    neurons = _neurons(chain, layer, shape)
    recurrent = weights.recurrent
    every = [weights.weight] if recurrent is None else [weights.weight, recurrent]
    parts, exponent = quantized(every, neurons.weight_shift, layer.where)
    bias_q = _bias(layer, neurons, shape)
    of_input, of_output = _delays(chain, layer, shape, bool(bias_q.any()), recurrent is not None)
    readout = layer.last and (
        layer.neuron is None or is_readout(neurons, layer.where, chain.answers, chain.notes)
    )
    if readout and (of_output is not None or recurrent is not None):
        raise UnsupportedError(f"{layer.where}: a readout cannot have recurrence, or delays of its outputs")
    op = neurons.readout(shape, bias_q) if readout else neurons.spiking(shape, bias_q)
    name = f"{'readout' if readout else 'lif'}{layer.index}"
    names = chain.synapses(
        f"{layer.kind if layer.kind in ('conv', 'pool') else 'dense'}{layer.index}",
        parts[0],
        lambda weight_q: weights.make(weight_q, exponent),
        of_input,
        weights.groups,
    )
    if recurrent is not None:
        names.append(chain.recurrence(layer.index, name, shape, IntDense(parts[1], exponent)))
    chain.neurons(name, op, names, of_output)


def _neurons(chain: Chain, layer: Layer, shape: Shape) -> Neurons:
    if layer.neuron is not None:
        return read_neurons(layer.neuron, shape, chain.answers, chain.notes)
    if not layer.last or layer.kind != "dense":
        raise UnsupportedError(f"{layer.where}: has no neurons; only a last dense layer may have none")
    return without_neurons(layer.where, chain.answers, chain.notes)


def _bias(layer: Layer, neurons: Neurons, shape: Shape) -> Int64Array:
    if "bias" not in layer.fields:
        return np.zeros((), np.int64)
    bias = layer.fields.integers("bias").ravel()
    if bias.size not in (1, shape[0]):
        raise layer.fields.fail(f"bias holds {bias.size} numbers; it must be 1 or {shape[0]}, one a channel")
    return neurons.bias_q(bias.reshape(-1, *(1,) * (len(shape) - 1)), layer.where)


def _delays(
    chain: Chain, layer: Layer, shape: Shape, biased: bool, recurrent: bool
) -> tuple[Int64Array | None, Int64Array | None]:
    """Delays of the layer's input and of its output, int64 `(channels,)`.

    Both are the same for neurons without bias and recurrence, which stay at rest until input comes: they are then
    taken as delays of the input, so that a last layer may have them.
    """
    delays = read_delays(layer.fields, shape[0])
    if delays is None:
        return None, None
    if layer.kind != "dense":
        chain.notes.append(
            Note(layer.where, f"its delays are kept; lava-dl's netx has none for {layer.kind!r}")
        )
    elif delays.max() > LONGEST_DELAY:
        chain.notes.append(
            Note(
                layer.where,
                f"delays up to {delays.max()} are kept; lava-dl's netx cuts them to {LONGEST_DELAY}",
            )
        )
    if recurrent or (biased and layer.kind != "dense"):
        return None, delays
    if not biased:
        return delays, None
    side = chain.answers.ask(
        "delay",
        f"{layer.where}: has delays and biases; lava-dl's netx delays its input, training delayed its output",
        "--set netx.delay=input or netx.delay=output",
    )
    chain.notes.append(Note(layer.where, f"its {side} is delayed (netx.delay={side})"))
    return (delays, None) if side == "input" else (None, delays)
