"""What every linear layer does to forms, and the forms of a whole graph."""

from __future__ import annotations

from collections.abc import Callable
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np

from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.ir import (
    LIF,
    Add,
    AveragePool,
    Concat,
    Conv,
    Delay,
    Dense,
    Flatten,
    Graph,
    Input,
    Op,
    Output,
    Readout,
    Scale,
    Shape,
    SumPool,
)
from neurodeploy.ir.convolution import slide
from neurodeploy.passes.compose.maps import Flattening, MatrixMap, Placing, WindowMap, pointwise
from neurodeploy.passes.compose.paths import Form, Origin, Path, total


def forms(graph: Graph) -> dict[str, Form]:
    """The form of every result, and of the summed currents of every layer of neurons, by its name.

    Raises `UnsupportedError` for a cycle without neurons, and for what is not linear.
    """
    made: dict[str, Form] = {}
    for name in _order(graph):
        inputs = [
            _own(graph, source) if _is_source(graph.op(source)) else made[source]
            for source in graph.sources(name)
        ]
        if not isinstance(graph.op(name), (Input, Output)):
            made[name] = _form(graph, name, inputs)
    return made


def _is_source(op: Op) -> bool:
    return isinstance(op, (Input, LIF, Readout))


def _own(graph: Graph, name: str) -> Form:
    return Form(graph.types[name].shape, (Path(Origin(name, 0), (), ()),))


def _order(graph: Graph) -> tuple[str, ...]:
    """Layers after those they need; the results of neurons are known from the start."""
    needs = {
        name: [source for source in graph.sources(name) if not _is_source(graph.op(source))]
        for name in graph.names
    }
    try:
        return tuple(TopologicalSorter(needs).static_order())
    except CycleError as error:
        cycle = " -> ".join(error.args[1])
        raise UnsupportedError(
            f"the cycle {cycle} holds no neurons; a chip has no synapses that feed back without neurons: "
            "put neurons into it"
        ) from None


def _form(graph: Graph, name: str, inputs: list[Form]) -> Form:
    op = graph.op(name)
    rule = FORMS.get(type(op))
    if rule is None:
        raise UnsupportedError(f"layer '{name}': '{op.kind}' is not linear, so it cannot be part of synapses")
    try:
        return rule(op, name, graph.types[name].shape, inputs)
    except InputError as error:
        raise type(error)(f"layer '{name}': {error}") from None


def _dense(op: Dense, name: str, shape: Shape, inputs: list[Form]) -> Form:
    return inputs[0].through(name, MatrixMap(op.weight.astype(np.float64))).plus(op.bias.astype(np.float64))


def _conv(op: Conv, name: str, shape: Shape, inputs: list[Form]) -> Form:
    given = inputs[0].shape
    windows = WindowMap(op.weight.astype(np.float64), op.stride, op.padding, op.dilation, op.groups, given)
    bias = op.bias.astype(np.float64).reshape(-1, *(1,) * len(op.stride))
    return inputs[0].through(name, windows).plus(bias)


def _ones(op: SumPool | AveragePool, given: Shape) -> WindowMap:
    weight = np.ones((given[0], 1, *op.kernel))
    return WindowMap(weight, op.stride, op.padding, (1,) * len(op.kernel), given[0], given)


def _sum_pool(op: SumPool, name: str, shape: Shape, inputs: list[Form]) -> Form:
    return inputs[0].through(name, _ones(op, inputs[0].shape))


def _average_pool(op: AveragePool, name: str, shape: Shape, inputs: list[Form]) -> Form:
    given = inputs[0].shape
    size: Any = np.prod(op.kernel)
    if not op.count_padding:
        inside = np.ones((1, 1, *given[1:]))
        size = slide(inside, op.windows).sum(axis=tuple(range(-len(op.kernel), 0)))[0]
        if not size.all():
            raise InputError(f"a window {op.kernel} lies wholly in the padding {op.padding}; it has no mean")
    return inputs[0].through(name, _ones(op, given), pointwise(1 / size, shape))


def _scale(op: Scale, name: str, shape: Shape, inputs: list[Form]) -> Form:
    return inputs[0].through(name, pointwise(op.scale, shape)).plus(op.shift)


def _flatten(op: Flatten, name: str, shape: Shape, inputs: list[Form]) -> Form:
    given = inputs[0].shape
    return inputs[0].through(name, *([Flattening(given)] if len(given) > 1 else []))


def _delay(op: Delay, name: str, shape: Shape, inputs: list[Form]) -> Form:
    return inputs[0].later(name, op.steps)


def _concat(op: Concat, name: str, shape: Shape, inputs: list[Form]) -> Form:
    first = np.cumsum([0, *(form.shape[0] for form in inputs)]).tolist()
    branches = (
        form.through(name, Placing(form.shape, begin, shape[0]))
        for form, begin in zip(inputs, first, strict=False)
    )
    return total(shape, branches)


def _sum(op: Op, name: str, shape: Shape, inputs: list[Form]) -> Form:
    return total(shape, (form.through(name) for form in inputs))


def _currents(op: LIF | Readout, name: str, shape: Shape, inputs: list[Form]) -> Form:
    return total(shape, inputs)


FORMS: dict[type[Op], Callable[[Any, str, Shape, list[Form]], Form]] = {
    Dense: _dense,
    Conv: _conv,
    SumPool: _sum_pool,
    AveragePool: _average_pool,
    Scale: _scale,
    Flatten: _flatten,
    Delay: _delay,
    Concat: _concat,
    Add: _sum,
    LIF: _currents,
    Readout: _currents,
}
"""What each layer does to forms."""
