"""Operations of the float graph as nodes of NIR."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurodeploy.errors import UnsupportedError
from neurodeploy.frontends.hdf5 import Group
from neurodeploy.ir import (
    LIF,
    AveragePool,
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
from neurodeploy.network import Note
from neurodeploy.targets.nir.neurons import silent_node, spiking_node, unsaid

TYPE_CHECK = "is read by the package nir with type_check=False only"


@dataclass(frozen=True, slots=True)
class Writing:
    """How to write: `dt` in seconds; `strict` refuses what NIR cannot say, else it becomes one of the `notes`."""

    graph: Graph
    dt: float
    strict: bool
    notes: list[Note] = field(default_factory=list)

    def node(self, name: str) -> Group:
        """The node of an operation; raises `UnsupportedError` naming the layer that NIR cannot hold."""
        op = self.graph.op(name)
        if type(op) not in _NODES:
            raise UnsupportedError(f"layer '{name}': NIR has no node for '{op.kind}'")
        return _NODES[type(op)](self, name, op)

    def source(self, name: str) -> Shape:
        """Shape of what comes into a layer."""
        return self.graph.types[self.graph.sources(name)[0]].shape


def _input(writing: Writing, name: str, op: Input) -> Group:
    return Group({"type": "Input", "shape": np.array(op.shape)})


def _output(writing: Writing, name: str, op: Output) -> Group:
    return Group({"type": "Output", "shape": np.array(writing.source(name))})


def _dense(writing: Writing, name: str, op: Dense) -> Group:
    return Group({"type": "Affine", "weight": op.weight, "bias": op.bias})


def _conv(writing: Writing, name: str, op: Conv) -> Group:
    axes = op.weight.ndim - 2
    if op.groups > 1 or len(set(op.weight.shape[2:])) > 1:
        kind = "in groups" if op.groups > 1 else f"a kernel {op.weight.shape[2:]} that is not square"
        writing.notes.append(Note(name, f"a convolution with {kind} {TYPE_CHECK}"))
    fields: dict[str, Any] = {
        "input_shape": writing.source(name)[1:],
        "stride": op.stride,
        "padding": _padding(name, op, axes),
        "dilation": op.dilation,
        "groups": op.groups,
    }
    values = {key: _extents(value, axes) for key, value in fields.items()}
    return Group({"type": f"Conv{axes}d", "weight": op.weight, "bias": op.bias, **values})


def _extents(value: Any, axes: int) -> Any:
    """NIR's Conv1d takes numbers, Conv2d pairs."""
    if isinstance(value, str):
        return value
    return np.array(value[0] if axes == 1 and isinstance(value, tuple) else value)


def _padding(name: str, op: Conv, axes: int) -> tuple[int, ...] | str:
    before, after = op.padding[:axes], op.padding[axes:]
    if before == after:
        return before
    whole = tuple(n - 1 for n in op.windows.span)
    same = (*(n // 2 for n in whole), *(n - n // 2 for n in whole))
    if op.padding == same and set(op.stride) == {1}:
        return "same"
    raise UnsupportedError(
        f"layer '{name}': NIR's padding is the same before and after an axis, not {list(before)} and {list(after)}"
    )


def _pool(writing: Writing, name: str, op: SumPool | AveragePool) -> Group:
    if len(op.kernel) != 2:
        raise UnsupportedError(f"layer '{name}': NIR has pools over two axes only, not {len(op.kernel)}")
    if op.padding[:2] != op.padding[2:]:
        raise UnsupportedError(
            f"layer '{name}': NIR's padding is the same before and after, not {list(op.padding)}"
        )
    if isinstance(op, AveragePool) and any(op.padding) and not op.count_padding:
        raise UnsupportedError(f"layer '{name}': NIR's mean counts the padding; this one does not")
    fields = {"kernel_size": op.kernel, "stride": op.stride, "padding": op.padding[:2]}
    kind = "SumPool2d" if isinstance(op, SumPool) else "AvgPool2d"
    return Group({"type": kind, **{key: np.array(value) for key, value in fields.items()}})


def _scale(writing: Writing, name: str, op: Scale) -> Group:
    if op.shift.any():
        raise UnsupportedError(
            f"layer '{name}': NIR's Scale adds nothing; fold the shift into synapses first"
        )
    scale = np.broadcast_to(op.scale, writing.source(name)).astype(np.float32)
    return Group({"type": "Scale", "scale": scale})


def _flatten(writing: Writing, name: str, op: Flatten) -> Group:
    dims = {"start_dim": np.array(0), "end_dim": np.array(-1)}
    return Group({"type": "Flatten", "input_type": np.array(writing.source(name)), **dims})


def _delay(writing: Writing, name: str, op: Delay) -> Group:
    return Group({"type": "Delay", "delay": np.full(op.shape, op.steps * writing.dt, np.float32)})


def _neurons(writing: Writing, name: str, op: LIF) -> Group:
    lost = unsaid(op)
    if lost and writing.strict:
        raise UnsupportedError(
            f"layer '{name}': NIR cannot say {', '.join(lost)}; strict=False leaves it to our readers"
        )
    if lost:
        writing.notes.append(
            Note(
                name,
                f"NIR cannot say {', '.join(lost)}: only the group /neurodeploy does, other readers reset to 0",
            )
        )
    if op.compare == "ge":
        writing.notes.append(
            Note(name, "fires at its threshold, NIR's neurons above it: other at exact ties only")
        )
    return spiking_node(name, op, writing.dt, writing.notes)


_NODES: dict[type[Op], Callable[[Writing, str, Any], Group]] = {
    Input: _input,
    Output: _output,
    Dense: _dense,
    Conv: _conv,
    SumPool: _pool,
    AveragePool: _pool,
    Scale: _scale,
    Flatten: _flatten,
    Delay: _delay,
    LIF: _neurons,
    Readout: lambda writing, name, op: silent_node(name, op, writing.dt, writing.notes),
}
