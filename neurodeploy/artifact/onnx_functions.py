"""Bodies of the local ONNX functions of domain `neurodeploy`: the integer machine in standard operators, on int64."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, helper, numpy_helper

DOMAIN = "neurodeploy"
OPSET = 21
IMPORTS = [helper.make_opsetid("", OPSET)]


@dataclass(frozen=True, slots=True)
class Function:
    """A local function and the attributes with which one layer calls it."""

    proto: onnx.FunctionProto
    attributes: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name: equal names are equal functions, within one model."""
        return str(self.proto.name)

    def call(self, inputs: list[str], outputs: list[str]) -> onnx.NodeProto:
        """A node that calls it."""
        node = helper.make_node(self.name, inputs, outputs, domain=DOMAIN)
        node.attribute.extend(helper.make_attribute(k, self.attributes[k]) for k in sorted(self.attributes))
        return node


class Body:
    """Nodes of a function body; every method returns the name of its result."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self._made: set[str] = set()

    def attribute(self, name: str) -> str:
        """The int64 scalar that the function's caller gives as attribute `name`."""
        result = f"{name}_"
        if result not in self._made:
            node = helper.make_node("Constant", [], [result])
            node.attribute.add(name="value_int", type=AttributeProto.INT, ref_attr_name=name)
            self._add(node)
        return result

    def literal(self, value: int) -> str:
        """A fixed int64 scalar."""
        result = f"int_{value}".replace("-", "minus_")
        if result not in self._made:
            tensor = numpy_helper.from_array(np.array(value, np.int64))
            self._add(helper.make_node("Constant", [], [result], value=tensor))
        return result

    def op(self, kind: str, *inputs: str, to: int | None = None, result: str = "") -> str:
        """A standard operator; `to` is the type of a Cast."""
        output = result or f"t{len(self.nodes)}"
        node = helper.make_node(kind, list(inputs), [output])
        if to is not None:
            node.attribute.append(helper.make_attribute("to", to))
        return self._add(node)

    def conv(self, x: str, weight: str) -> str:
        """A convolution whose geometry the function's caller gives."""
        node = helper.make_node("Conv", [x, weight], [f"t{len(self.nodes)}"])
        for name, kind in CONV_ATTRIBUTES.items():
            node.attribute.add(name=name, type=kind, ref_attr_name=name)
        return self._add(node)

    def _add(self, node: onnx.NodeProto) -> str:
        self.nodes.append(node)
        self._made.update(node.output)
        return str(node.output[0])

    def function(
        self, name: str, inputs: list[str], outputs: list[str], attributes: Mapping[str, Any], doc: str
    ) -> Function:
        """The finished function."""
        proto = helper.make_function(
            DOMAIN, name, inputs, outputs, self.nodes, IMPORTS, sorted(attributes), doc_string=doc
        )
        return Function(proto, attributes)


CONV_ATTRIBUTES = {
    "dilations": AttributeProto.INTS,
    "group": AttributeProto.INT,
    "pads": AttributeProto.INTS,
    "strides": AttributeProto.INTS,
}
