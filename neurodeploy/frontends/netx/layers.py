"""The table of layer types: what each layer of a `.net` file becomes in the graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod

import numpy as np

from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.frontends.netx import first_layer
from neurodeploy.frontends.netx.chain import Chain
from neurodeploy.frontends.netx.connect import Weights, connect
from neurodeploy.frontends.netx.fields import Fields
from neurodeploy.frontends.netx.layer import Layer
from neurodeploy.frontends.netx.neurons import read_neurons
from neurodeploy.frontends.netx.synapses import MOST_WEIGHTS, note_what_lava_changes
from neurodeploy.ir import DECAY_ONE, IntConv, IntDense, IntLIF, TensorType, Windows
from neurodeploy.ir.op import Int8Array, Int64Array
from neurodeploy.network import Note

Pair = tuple[int, int]


def read_layer(chain: Chain, layer: Layer) -> None:
    """Append one layer; every field must be understood.

    Raises `UnsupportedError` for a type that is not in the table, or that is and may not stand here.
    """
    if layer.kind not in LAYERS:
        why = REFUSED.get(layer.kind, "which is not known")
        raise UnsupportedError(
            f"{layer.where}: type {layer.kind!r}, {why}; supported are {', '.join(LAYERS)}"
        )
    try:
        LAYERS[layer.kind](chain, layer)
    except InputError as error:
        if str(error).startswith(layer.where):
            raise
        raise type(error)(f"{layer.where}: {error}") from None
    layer.fields.finish()


def _input(chain: Chain, layer: Layer) -> None:
    if layer.index:
        raise UnsupportedError(f"{layer.where}: an input layer must be layer 0; a .net file is a chain")
    if layer.neuron is None:
        first_layer.plain(chain, layer.fields)
        return
    shape = layer.fields.shape()
    neurons = read_neurons(layer.neuron, shape, chain.answers, chain.notes)
    first_layer.encoder(chain, layer.fields, shape, neurons)


def _flatten(chain: Chain, layer: Layer) -> None:
    if layer.neuron is not None:
        raise UnsupportedError(f"{layer.where}: a flatten layer has no neurons")
    if not chain.end:
        first_layer.of_flatten(chain, layer.where)
    size = prod(chain.shape)
    if "shape" in layer.fields and (given := prod(layer.fields.shape())) != size:
        raise layer.fields.fail(f"shape holds {given} numbers, but {size} come in")
    if len(chain.shape) > 1:
        chain.flatten(f"flatten{layer.index}")


def _dense(chain: Chain, layer: Layer, recurrent: str = "") -> None:
    """Dense synapses; `recurrent` is the field of recurrent weights, which act one step later."""
    fields = layer.fields
    size = prod(fields.shape())
    weight = _matrix(fields, "weight", size)
    _agree(fields, "outFeatures", size)
    _agree(fields, "inFeatures", weight.shape[1])
    _take_vector(chain, layer, weight.shape[1])
    own = _matrix(fields, recurrent, size) if recurrent else None
    if own is not None and own.shape != (size, size):
        raise fields.fail(f"{recurrent} {own.shape} must be {(size, size)}")
    whole = weight if own is None else np.hstack((weight, own))
    note_what_lava_changes(weight, whole, layer.where, chain.notes)
    if own is not None:
        note_what_lava_changes(own, whole, f"{layer.where}, {recurrent}", chain.notes)
    connect(chain, layer, Weights(weight, IntDense, recurrent=own), (size,))


def _conv(chain: Chain, layer: Layer) -> None:
    weight = _kernels(layer.fields)
    groups = layer.fields.integer("groups") if "groups" in layer.fields else 1
    _agree(layer.fields, "outChannels", len(weight))
    _agree(layer.fields, "inChannels", weight.shape[1] * groups)
    _convolve(chain, layer, weight, groups, _geometry(layer.fields, _pair(weight.shape[2:])))


def _pool(chain: Chain, layer: Layer) -> None:
    """A sum pool with neurons: each channel by itself, all with one kernel, side by side.

    slayer puts `extent % kernel` zeros behind each axis and slides its windows over the rows of all channels as if
    they were one axis, so that only windows which fill the height stay within their channel.
    """
    if len(chain.shape) != 3:
        raise UnsupportedError(f"{layer.where}: a pool takes channels, height and width, not {chain.shape}")
    weight = _kernels(layer.fields)
    if weight.shape[:2] != (1, 1):
        raise layer.fields.fail(
            f"weight {weight.shape} must be (1, 1, height, width): one kernel for all channels"
        )
    channels, *extents = chain.shape
    kernel = _pair(weight.shape[2:])
    behind = _pair(n % k for n, k in zip(extents, kernel, strict=True))
    geometry = _geometry(layer.fields, kernel, behind)
    plain = (geometry.stride, geometry.padding[:2], geometry.dilation) == (kernel, (0, 0), (1, 1))
    if not plain or (extents[0] + behind[0]) % kernel[0]:
        raise UnsupportedError(
            f"{layer.where}: windows of {kernel} over {tuple(extents)}, stride {geometry.stride}, padding "
            f"{geometry.padding[:2]} and dilation {geometry.dilation}; only windows side by side that fill the height "
            "are supported, since others mix the channels in slayer"
        )
    _convolve(chain, layer, np.repeat(weight, channels, axis=0), channels, geometry)


def _geometry(fields: Fields, kernel: Pair, behind: Pair = (0, 0)) -> Windows:
    """Windows of a layer, with `behind` more zeros at the end of each axis."""
    stride, dilation, padding = (
        fields.pair(name) if name in fields else (default, default)
        for name, default in (("stride", 1), ("dilation", 1), ("padding", 0))
    )
    after = (padding[0] + behind[0], padding[1] + behind[1])
    return Windows(kernel, stride, (*padding, *after), dilation)


def _convolve(chain: Chain, layer: Layer, weight: Int64Array, groups: int, windows: Windows) -> None:
    fields = layer.fields
    if "kernelSize" in fields and (said := fields.pair("kernelSize")) != windows.kernel:
        chain.notes.append(
            Note(
                layer.where,
                f"kernelSize says {said}, but the weights are {windows.kernel}; the weights count",
            )
        )
    shape = fields.shape()

    def make(weight_q: Int8Array, exponent: int) -> IntConv:
        return IntConv(weight_q, exponent, windows.stride, windows.padding, windows.dilation, groups)

    probe = make(np.zeros(weight.shape, np.int8), 0)
    if not chain.end:
        first_layer.of_convolution(chain, layer.where, probe, shape)
    found = probe.result((TensorType(chain.shape, "spike"),)).shape
    if found != shape:
        raise fields.fail(f"shape says {shape}, but weights {weight.shape} make {found} of {chain.shape}")
    connect(chain, layer, Weights(weight, make, groups), shape)


def _average(chain: Chain, layer: Layer) -> None:
    """The mean over groups of neurons, as a sum: `size / outputs` neurons next to each other make one output."""
    outputs, size = prod(layer.fields.shape()), prod(chain.shape)
    if not layer.last or not chain.spiking or layer.neuron is not None:
        raise UnsupportedError(
            f"{layer.where}: average is supported as the last layer, behind neurons and without its own"
        )
    if len(chain.shape) != 1 or size % outputs:
        raise layer.fields.fail(f"shape says {outputs} outputs, but {chain.shape} neurons come in")
    if outputs * size > MOST_WEIGHTS:
        raise UnsupportedError(
            f"{layer.where}: {outputs} means of {size} neurons take more than {MOST_WEIGHTS} weights"
        )
    how = chain.answers.ask(
        "readout",
        f"{layer.where}: how the averaged outputs are read out is open",
        "--set netx.readout=sum (over time) or netx.readout=step",
    )
    group = size // outputs
    weight_q = np.repeat(np.eye(outputs, dtype=np.int8), group, axis=1)
    names = chain.synapses(f"average{layer.index}", weight_q, lambda w: IntDense(w, 0))
    when = "summed over time" if how == "sum" else "of each step"
    chain.notes.append(
        Note(layer.where, f"the mean of {group} neurons is their sum, {group} * 64 times as large, {when}")
    )
    decay = 0 if how == "sum" else DECAY_ONE
    chain.neurons(f"readout{layer.index}", IntLIF((outputs,), DECAY_ONE, decay, 0, 0, "none"), names)


def _matrix(fields: Fields, name: str, outputs: int) -> Int64Array:
    """Dense weights `(out, in)`; those of a single output may lack their first axis."""
    weight = fields.integers(name)
    if weight.ndim == 1 and outputs == 1:
        weight = weight.reshape(1, -1)
    if weight.ndim != 2 or len(weight) != outputs:
        raise fields.fail(f"{name} {weight.shape} must be ({outputs}, inputs)")
    return weight


def _kernels(fields: Fields) -> Int64Array:
    """Convolution weights `(out, in / groups, height, width)`; older files have one more axis of 1."""
    weight = fields.integers("weight")
    if weight.ndim == 5 and weight.shape[-1] == 1:
        weight = weight[..., 0]
    if weight.ndim != 4:
        raise fields.fail(
            f"weight {weight.shape} must be (out, in, height, width), or that and a last axis of 1"
        )
    return weight


def _pair(values: Iterable[int]) -> Pair:
    first, second = values
    return first, second


def _agree(fields: Fields, name: str, found: int) -> None:
    if name in fields and (said := fields.integer(name)) != found:
        raise fields.fail(f"{name} says {said}, but the weights have {found}")


def _take_vector(chain: Chain, layer: Layer, inputs: int) -> None:
    """Make sure that a vector of `inputs` numbers comes in."""
    if not chain.end:
        first_layer.of_dense(chain, layer.where, inputs)
    if prod(chain.shape) != inputs:
        raise layer.fields.fail(f"its weights take {inputs} inputs, but {chain.shape} come in")
    if len(chain.shape) > 1 and chain.shape[0] != inputs:
        raise UnsupportedError(
            f"{layer.where}: takes a vector, but {chain.shape} come in, without a flatten layer"
        )
    if len(chain.shape) > 1:
        chain.flatten(f"flatten{layer.index}")


LAYERS: dict[str, Callable[[Chain, Layer], None]] = {
    "input": _input,
    "flatten": _flatten,
    "dense": _dense,
    "dense_rec": lambda chain, layer: _dense(chain, layer, "weight_rec"),
    "recurrent": lambda chain, layer: _dense(chain, layer, "recWeight"),
    "conv": _conv,
    "pool": _pool,
    "average": _average,
}
"""Every supported type of layer; a missing entry is the unsupported-layer error."""

REFUSED = {
    "convT": "a transposed convolution",
    "unpool": "an unpooling layer",
    "concat": "a branch; the file has no edges, so what it joins is not known",
    "dense_comp": "dense synapses with complex weights",
}
