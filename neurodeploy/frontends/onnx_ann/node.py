"""One node of an ONNX file, and errors that name it."""

from __future__ import annotations

from typing import Any

import onnx

from neurodeploy.errors import UnsupportedError


class Node:
    """Operator, inputs, outputs and attributes of a node; `opset` decides what they mean."""

    def __init__(self, proto: onnx.NodeProto, opset: int) -> None:
        self.op, self.opset = str(proto.op_type), opset
        self.inputs: tuple[str, ...] = tuple(proto.input)
        self.output = str(proto.output[0])
        self.more_outputs: tuple[str, ...] = tuple(name for name in proto.output[1:] if name)
        self.name = str(proto.name or self.output)
        self._attributes = {attribute.name: attribute for attribute in proto.attribute}

    def __str__(self) -> str:
        return f"node '{self.name}' ({self.op})"

    def has(self, name: str) -> bool:
        """Whether attribute `name` is there."""
        return name in self._attributes

    def get(self, name: str, default: Any) -> Any:
        """Attribute `name`: int, float, str, tensor, or a list of these; texts are decoded."""
        if name not in self._attributes:
            return default
        value = onnx.helper.get_attribute_value(self._attributes[name])
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value

    def ints(self, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """Attribute `name`, a list of integers."""
        return tuple(int(value) for value in self.get(name, default))

    def error(self, problem: str) -> UnsupportedError:
        """The error of this node."""
        return UnsupportedError(f"{self}: {problem}")
