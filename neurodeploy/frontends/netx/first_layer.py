"""The input of a `.net` file: its shape and its range, which many files do not say."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from neurodeploy.errors import InputError, UnsupportedError, UsageError
from neurodeploy.frontends.netx.chain import Chain
from neurodeploy.frontends.netx.config import parse_range
from neurodeploy.frontends.netx.fields import Fields
from neurodeploy.frontends.netx.format import UNIT
from neurodeploy.frontends.netx.neurons import Neurons
from neurodeploy.ir import DECAY_ONE, IntConv, IntDense, Shape
from neurodeploy.ir.types import TensorType
from neurodeploy.network import Note

LARGEST_ENCODER = 1 << 13
"""Most inputs without axes that pass through neurons of their own: they take an identity matrix."""


def plain(chain: Chain, fields: Fields) -> None:
    """An input layer that says the shape alone."""
    shape = fields.shape()
    if "weight" in fields or "bias" in fields:
        raise UnsupportedError(f"{fields.where}: has a weight or bias, but no neurons to feed")
    _start(chain, _agreed(chain, fields.where, shape), fields.where)


def encoder(chain: Chain, fields: Fields, shape: Shape, neurons: Neurons) -> None:
    """Neurons that turn numbers into spikes: their bias is weight * x + bias in every step.

    Raises `UnsupportedError` where the current is filtered: training does so, lava-dl's netx does not.
    """
    if not (neurons.du == DECAY_ONE).all():
        raise UnsupportedError(
            f"{fields.where}: iDecay is {neurons.du.min()}; training filters the input by it and lava-dl's netx does "
            f"not, so only {DECAY_ONE} is supported"
        )
    if neurons.weight_shift:
        raise UnsupportedError(f"{fields.where}: a weight exponent of an input layer is not supported")
    weight = fields.integer("weight") if "weight" in fields else UNIT
    bias = fields.integer("bias") if "bias" in fields else 0
    if weight == 0:
        raise fields.fail("weight is 0, so nothing comes in")
    if chain.answers.given.input is None:
        raise UnsupportedError(
            f"{fields.where}: its neurons take numbers, times {weight} and plus {bias}, but the file does not say "
            "of which range. Say it: --set netx.input=graded:LOW..HIGH, such as graded:-1..1"
        )
    chain.start(_agreed(chain, fields.where, shape), parse_range(chain.answers.given.input), abs(weight))
    chain.notes.append(
        Note(
            fields.where,
            f"numbers {chain.answers.given.input} enter as round(x * {weight}) + {bias} (half to even); "
            "lava-dl's tutorials cut off the fraction",
        )
    )
    chain.neurons(
        f"lif{0}",
        neurons.spiking(shape, neurons.bias_q(np.full((), bias), fields.where)),
        [_copy(chain, weight)],
    )


def of_dense(chain: Chain, where: str, inputs: int) -> None:
    """The input of a file whose first layer is dense."""
    shape = chain.answers.given.shape or (inputs,)
    if prod(shape) != inputs:
        raise UsageError(f"netx.shape={list(shape)} has {prod(shape)} numbers, but {where} takes {inputs}")
    _start(chain, shape, where)
    if len(shape) > 1:
        chain.flatten("flatten")


def of_convolution(chain: Chain, where: str, conv: IntConv, result: Shape) -> None:
    """The input of a file whose first layer is a convolution with a `result` of known shape."""
    shape = chain.answers.given.shape
    if shape is None:
        shape = _only_shape(conv, result)
    if shape is None:
        raise UnsupportedError(
            f"{where}: several input shapes give {result}, and the file has no input layer. "
            "Say it: --set netx.shape=[CHANNELS,HEIGHT,WIDTH]"
        )
    _start(chain, shape, where)


def of_flatten(chain: Chain, where: str) -> None:
    """The input of a file that begins with a flatten layer."""
    if chain.answers.given.shape is None:
        raise UnsupportedError(
            f"{where}: the shape of the input is not in the file. Say it: --set netx.shape=[C,H,W]"
        )
    _start(chain, chain.answers.given.shape, where)


def _only_shape(conv: IntConv, result: Shape) -> Shape | None:
    """The one input shape from which a convolution of stride 1 makes `result`."""
    if conv.stride != (1, 1) or len(result) != 3:
        return None
    before, after = conv.padding[:2], conv.padding[2:]
    sizes = (
        n - 1 + s - b - a for n, s, b, a in zip(result[1:], conv.windows.span, before, after, strict=True)
    )
    shape = (conv.weight_q.shape[1] * conv.groups, *sizes)
    return shape if min(shape) >= 1 and _makes(conv, shape, result) else None


def _makes(conv: IntConv, shape: Shape, result: Shape) -> bool:
    try:
        return conv.result((TensorType(shape, "spike"),)).shape == result
    except InputError:
        return False


def _start(chain: Chain, shape: Shape, where: str) -> None:
    said = chain.answers.ask(
        "input",
        f"{where}: the file does not say whether its inputs are spikes or numbers",
        "--set netx.input=binary or netx.input=graded:LOW..HIGH",
    )
    chain.start(shape, parse_range(said), 1.0)
    source = "netx.input" if chain.answers.given.input is not None else "--from lava-dl"
    chain.notes.append(Note("input", f"takes {said} input of shape {list(shape)}, as {source} says"))


def _agreed(chain: Chain, where: str, shape: Shape) -> Shape:
    given = chain.answers.given.shape
    if given is not None and given != shape:
        raise UsageError(f"netx.shape={list(given)}, but {where} says {list(shape)}")
    return shape


def _copy(chain: Chain, weight: int) -> str:
    """Synapses that hand each input to its own neuron, with the sign of `weight`."""
    sign = 1 if weight > 0 else -1
    if len(chain.shape) == 3:
        channels = chain.shape[0]
        weight_q: Any = np.full((channels, 1, 1, 1), sign, np.int8)
        conv = IntConv(weight_q, 0, (1, 1), (0, 0, 0, 0), (1, 1), channels)
        return chain.synapses("encode0", weight_q, lambda w: conv, None)[0]
    size = chain.shape[0]
    if size > LARGEST_ENCODER:
        raise UnsupportedError(
            f"an input layer of {size} neurons in one axis; {LARGEST_ENCODER} are supported"
        )
    eye = sign * np.eye(size, dtype=np.int8)
    return chain.synapses("encode0", eye, lambda w: IntDense(w, 0), None)[0]
