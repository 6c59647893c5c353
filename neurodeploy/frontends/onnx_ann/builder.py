"""Walks the nodes of an ONNX file in order and collects the layers of a plain ANN."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import onnx

from neurodeploy.errors import InputError, UnsupportedError
from neurodeploy.frontends.onnx_ann.file import OnnxFile
from neurodeploy.frontends.onnx_ann.node import Node
from neurodeploy.frontends.onnx_ann.one_line import one_line
from neurodeploy.frontends.onnx_ann.tensors import Array, decode
from neurodeploy.ir import Graph, Input, Op, Shape
from neurodeploy.ir.types import TensorType
from neurodeploy.network import Note

LARGEST_LAYER = 1 << 26
"""Most numbers that one layer may give for one sample."""


_MALFORMED = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, MemoryError)


@dataclass(frozen=True, slots=True)
class Flow:
    """What a layer gives for each sample: name and type of the layer.

    `shape` are the file's extents without the batch: the layer's, or these without some of extent 1 (Squeeze).
    `ended` names an operator behind which nothing else may stand.
    """

    layer: str
    type: TensorType
    shape: Shape
    ended: str | None = None


Value = Flow | Array
"""A tensor of the file: computed from the input, or a constant (int64, float64, or extents: objects)."""
Rule = Callable[["Builder", Node], Value]


@dataclass(frozen=True, slots=True)
class Ann:
    """A plain ANN: `Input`, synapses, pools, `Scale`, `Add`, `Concat`, `Flatten` and `Relu`, without an `Output`.

    `tensors` are the names of the file's tensors that layers compute, `batch` the batch size that it fixes or None.
    """

    graph: Graph
    output: str
    tensors: Mapping[str, str]
    batch: int | None
    notes: tuple[Note, ...]

    @property
    def shape(self) -> Shape:
        """Extents of one sample."""
        return next(iter(self.graph.of(Input).values())).shape


@dataclass(slots=True)
class Builder:
    """Layers so far, and what every tensor of the file is."""

    batch: int | None
    notes: list[Note] = field(default_factory=list)
    _ops: dict[str, Op] = field(default_factory=dict)
    _edges: list[tuple[str, str]] = field(default_factory=list)
    _values: dict[str, Value] = field(default_factory=dict)

    @staticmethod
    def of(file: OnnxFile) -> Builder:
        """With the file's input and constants."""
        batch, shape = _extents(file.input)
        builder = Builder(batch)
        for tensor in file.proto.graph.initializer:
            builder._values[tensor.name] = decode(tensor, f"tensor '{tensor.name}'")
        builder._values[file.input.name] = builder._add(file.input.name, Input(shape), ())
        return builder

    def build(self, file: OnnxFile, rules: Mapping[str, Rule]) -> Ann:
        """The ANN; `rules` say what each operator is."""
        for proto in file.proto.graph.node:
            node = Node(proto, file.opset)
            self._values[node.output] = self._apply(rules, node)
        last = self._values.get(file.output)
        if not isinstance(last, Flow) or isinstance(self._ops[last.layer], Input):
            raise InputError(f"its output '{file.output}' does not depend on its input '{file.input.name}'")
        tensors = {
            name: value.layer
            for name, value in self._values.items()
            if isinstance(value, Flow) and not value.ended
        }
        return Ann(
            *_reached(Graph(self._ops, self._edges), last.layer), tensors, self.batch, tuple(self.notes)
        )

    def _apply(self, rules: Mapping[str, Rule], node: Node) -> Value:
        rule = rules.get(node.op)
        if rule is None:
            known = ", ".join(sorted(rules))
            raise node.error(f"this operator is not supported; supported are {known}")
        if node.more_outputs:
            raise node.error(f"only its first output is supported, not '{node.more_outputs[0]}'")
        try:
            return rule(self, node)
        except _MALFORMED as error:
            raise InputError(f"{node}: malformed ({one_line(error)})") from None

    def value(self, node: Node, i: int) -> Value | None:
        """Input i of a node, None where it is left out."""
        if i >= len(node.inputs) or not node.inputs[i]:
            return None
        if node.inputs[i] not in self._values:
            raise node.error(f"its input '{node.inputs[i]}' is not computed by any node before it")
        return self._values[node.inputs[i]]

    def flow(self, node: Node, i: int = 0, squeezed: bool = False) -> Flow:
        """Input i, computed from the network's input; `squeezed`: even where axes were left out."""
        value = self.value(node, i)
        if not isinstance(value, Flow):
            raise node.error(f"its input {i + 1} must depend on the network's input, not be a constant")
        if value.ended:
            raise node.error(f"stands behind {value.ended}, which is only supported at the very end")
        if value.shape != value.type.shape and not squeezed:
            raise node.error(
                f"takes (batch, *{value.shape}), squeezed to more than one axis; that is not supported"
            )
        return value

    def constant(self, node: Node, i: int) -> Array | None:
        """Input i, a constant; None where it is left out."""
        value = self.value(node, i)
        if isinstance(value, Flow):
            raise node.error(
                f"its input {i + 1} ('{node.inputs[i]}') must be a constant, but depends on the input"
            )
        return value

    def add(self, node: Node, op: Callable[[], Op], *sources: Flow) -> Flow:
        """A layer for a node; raises `InputError`/`UnsupportedError` naming the node for settings that do not fit."""
        try:
            return self._add(node.name, op(), sources)
        except InputError as error:
            raise type(error)(f"{node}: {error}") from None

    def _add(self, wanted: str, op: Op, sources: Sequence[Flow]) -> Flow:
        result = op.result(tuple(source.type for source in sources))
        if prod(result.shape) > LARGEST_LAYER:
            raise InputError(f"gives {prod(result.shape)} numbers a sample; {LARGEST_LAYER} is the most")
        name = _plain(wanted, self._ops)
        self._ops[name] = op
        self._edges.extend((source.layer, name) for source in sources)
        return Flow(name, result, result.shape)

    def note(self, node: Node, what: str) -> None:
        """Record what was assumed or dropped."""
        self.notes.append(Note(_plain(node.name, ()), what))


def _plain(name: str, taken: Mapping[str, Op] | tuple[()]) -> str:
    """The name in letters, digits, '_' and '.', with a number behind it where it is taken."""
    plain = re.sub(r"[^0-9A-Za-z_]+", ".", name).strip(".") or "layer"
    candidate, n = plain, 2
    while candidate in taken:
        candidate, n = f"{plain}_{n}", n + 1
    return candidate


def _reached(graph: Graph, output: str) -> tuple[Graph, str]:
    """Without layers that the output does not use."""
    used = [name for name in graph.names if graph.reaches(name, output)]
    edges = [(s, d) for s, d in graph.edges if s in used and d in used]
    return Graph({name: graph.op(name) for name in used}, edges), output


def _extents(given: onnx.ValueInfoProto) -> tuple[int | None, Shape]:
    tensor = given.type.tensor_type
    kinds = {number: name for name, number in onnx.TensorProto.DataType.items()}
    kind = kinds.get(tensor.elem_type, f"type {tensor.elem_type}")
    if kind not in ("FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16"):
        raise UnsupportedError(f"input '{given.name}' must be floating point, not {kind.lower()}")
    dims = [dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim]
    if len(dims) < 2 or any(not extent or extent < 1 for extent in dims[1:]):
        shown = ", ".join(dim.dim_param or str(dim.dim_value or "?") for dim in tensor.shape.dim)
        raise UnsupportedError(
            f"input '{given.name}' has the shape ({shown}); all extents but the first must be given. "
            "Export the model with a fixed size of one sample"
        )
    return dims[0] if dims[0] and dims[0] > 0 else None, tuple(int(extent) for extent in dims[1:] if extent)
