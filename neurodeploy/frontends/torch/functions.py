"""Functions and methods of tensors that have a meaning in the graph.

Each takes the place where its result goes and its arguments: layers, numbers, tensors of numbers, or sizes.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import torch

from neurodeploy.errors import UnsupportedError
from neurodeploy.frontends.torch.site import Site, aligned
from neurodeploy.frontends.torch.torch_nn import ANN
from neurodeploy.ir import Add, Concat, Scale


@dataclass(frozen=True, slots=True)
class Layer:
    """The result of the layer `name` of the graph."""

    name: str


BATCH = object()
"""The size of the batch, which a graph does not know."""

Function = Callable[..., Any]


def _constant(site: Site, value: Any) -> Any:
    """A number or tensor that a layer's result is combined with."""
    if not isinstance(value, (int, float, torch.Tensor)):
        raise UnsupportedError(f"{value!r} is neither the result of a layer nor a constant")
    return aligned(value, site.shape)


def _add(site: Site, x: Any, y: Any, *, alpha: float = 1) -> Layer:
    if not isinstance(x, Layer):
        return Layer(site.add(Scale(alpha, _constant(site, x))))
    if not isinstance(y, Layer):
        return Layer(site.add(Scale(1.0, alpha * _constant(site, y))))
    if x == y:
        return Layer(site.add(Scale(1.0 + alpha)))
    other = site.builder.scaled(y.name, alpha, site.part("other"))
    return Layer(site.add(Add(), x.name, other))


def _subtract(site: Site, x: Any, y: Any, *, alpha: float = 1) -> Layer:
    return _add(site, x, y, alpha=-alpha)


def _multiply(site: Site, x: Any, y: Any) -> Layer:
    if isinstance(x, Layer) and isinstance(y, Layer):
        raise UnsupportedError("two results are multiplied, which no synapse does; multiply by a constant")
    return Layer(site.add(Scale(_constant(site, y if isinstance(x, Layer) else x))))


def _divide(site: Site, x: Any, y: Any) -> Layer:
    if isinstance(y, Layer):
        raise UnsupportedError(
            "something is divided by a result, which no synapse does; divide by a constant"
        )
    return Layer(site.add(Scale(1.0 / _constant(site, y))))


def _negate(site: Site, x: Layer) -> Layer:
    return Layer(site.add(Scale(-1.0)))


def _concatenate(site: Site, tensors: list[Any], dim: int = 0, *, axis: int | None = None) -> Layer:
    if not all(isinstance(tensor, Layer) for tensor in tensors):
        raise UnsupportedError("only results of layers can be concatenated")
    if (dim if axis is None else axis) % (1 + len(site.shape)) != 1:
        raise UnsupportedError(
            f"concatenates along axis {dim if axis is None else axis}; only axis 1 is supported"
        )
    signals = {site.builder.types[tensor.name].signal for tensor in tensors}
    names = [tensor.name for tensor in tensors]
    if signals == {"spike", "value"}:
        names = [_as_value(site, name) for name in names]
    return Layer(site.add(Concat(), *names))


def _as_value(site: Site, name: str) -> str:
    is_value = site.builder.types[name].signal == "value"
    return name if is_value else site.add(Scale(1.0), name, part=f"{name}.value")


def _flatten(site: Site, x: Layer, start_dim: int = 0, end_dim: int = -1) -> Layer:
    if start_dim != 1 or end_dim not in (-1, len(site.shape)):
        raise UnsupportedError(f"flattens axes ({start_dim}, {end_dim}); only (1, -1) is supported")
    return Layer(site.reshape((prod(site.shape),)))


def _reshape(site: Site, x: Layer, *given: Any) -> Layer:
    sizes = tuple(given[0]) if isinstance(given[0], (tuple, list)) else given
    batch, rest = sizes[0], sizes[1:]
    plain = all(isinstance(n, int) for n in rest) and rest.count(-1) <= 1
    if not rest or not plain or not (batch is BATCH or (batch == -1 and -1 not in rest)):
        raise UnsupportedError(
            "is reshaped over the batch; keep the first axis and give the others as numbers"
        )
    known = -prod(rest) if -1 in rest else prod(rest)
    shape = tuple(prod(site.shape) // known if n == -1 else n for n in rest)
    return Layer(site.reshape(shape))


def _unsqueeze(site: Site, x: Layer, dim: int) -> Layer:
    if dim != 1:
        raise UnsupportedError(f"puts in an axis {dim}; only axis 1 is supported")
    return Layer(site.reshape((1, *site.shape)))


def _size(site: Site, x: Layer, dim: int | None = None) -> Any:
    sizes = (BATCH, *site.shape)
    return sizes if dim is None else sizes[dim]


def _attribute(site: Site, x: Any, name: str) -> Any:
    if name != "shape":
        raise UnsupportedError(f"reads .{name}, which is not supported")
    return _size(site, x)


def _same(site: Site, x: Layer) -> Layer:
    return x


def _dropout(site: Site, x: Layer, p: float = 0.5, training: bool = True, inplace: bool = False) -> Layer:
    if training:
        raise UnsupportedError("drops values while the network runs; use torch.nn.Dropout")
    return x


def _activation(site: Site, x: Layer, *_: Any, **__: Any) -> Layer:
    raise UnsupportedError(f"an activation is {ANN}")


FUNCTIONS: dict[Any, Function] = {
    **dict.fromkeys((operator.add, operator.iadd, torch.add), _add),
    **dict.fromkeys((operator.sub, operator.isub, torch.sub, torch.subtract), _subtract),
    **dict.fromkeys((operator.mul, operator.imul, torch.mul, torch.multiply), _multiply),
    **dict.fromkeys((operator.truediv, operator.itruediv, torch.div, torch.true_divide), _divide),
    **dict.fromkeys((operator.neg, torch.neg), _negate),
    **dict.fromkeys((torch.cat, torch.concat), _concatenate),
    torch.flatten: _flatten,
    torch.reshape: _reshape,
    torch.unsqueeze: _unsqueeze,
    getattr: _attribute,
    torch.nn.functional.dropout: _dropout,
    **dict.fromkeys((torch.relu, torch.nn.functional.relu, torch.sigmoid, torch.tanh), _activation),
}
METHODS: dict[str, Function] = {
    **dict.fromkeys(("add", "add_"), _add),
    **dict.fromkeys(("sub", "sub_"), _subtract),
    **dict.fromkeys(("mul", "mul_"), _multiply),
    **dict.fromkeys(("div", "div_"), _divide),
    **dict.fromkeys(("reshape", "view"), _reshape),
    **dict.fromkeys(("contiguous", "clone", "detach"), _same),
    **dict.fromkeys(("relu", "relu_", "sigmoid", "tanh"), _activation),
    "neg": _negate,
    "flatten": _flatten,
    "unsqueeze": _unsqueeze,
    "size": _size,
}
"""What has a meaning; a missing entry is the error."""


def unsupported(name: str, called: str) -> UnsupportedError:
    """The error of a function without a meaning."""
    return UnsupportedError(
        f"operation '{name}' calls {called}, which is not supported; use a module instead, "
        "and leave to the loss what only it needs, such as softmax"
    )
