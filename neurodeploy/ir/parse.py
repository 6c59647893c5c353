"""From the text form back to the graph."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import InputError
from neurodeploy.ir.graph import Graph
from neurodeploy.ir.ops import OPS, Op
from neurodeploy.ir.text import LITTLE_ENDIAN, fingerprint
from neurodeploy.ir.verify import verify

LAYER = re.compile(r"(?P<name>\S+)\s*= (?P<kind>\w+)\((?P<arguments>.*)\) : (?P<type>\S.*)")
CONTENT = re.compile(r"#(?P<key>[0-9a-f]{8}) = (?P<content>\S*)")
ARRAY = re.compile(
    r"(?P<dtype>float32|float64|int8|int64)\[(?P<shape>[0-9]+(?:,[0-9]+)*)\]\{[^{}]* #(?P<key>[0-9a-f]{8})\}"
)
FIELD = re.compile(r"(?P<name>[a-z]\w*)=(?P<value>.+)")
WORDS: dict[str, Any] = {"true": True, "false": False, "None": None}

Contents = Mapping[str, bytes]


def from_text(text: str) -> Graph:
    """The graph that `to_text(graph, arrays=True)` wrote, verified; empty lines and those with ';' are comments.

    Raises `InputError` that names the line and what is wrong with it.
    """
    lines = [(i, line.strip()) for i, line in enumerate(text.splitlines(), start=1)]
    lines = [(i, line) for i, line in lines if line and not line.startswith(";")]
    contents = dict(_content(i, line) for i, line in lines if line.startswith("#"))
    ops: dict[str, Op] = {}
    edges: list[tuple[str, str]] = []
    types: dict[str, str] = {}
    for i, line in lines:
        if not line.startswith("#"):
            name, op, sources, types_as = _layer(i, line, contents)
            if name in ops:
                raise InputError(f"line {i}: there is already a layer '{name}'")
            ops[name], types[name] = op, types_as
            edges += [(source, name) for source in sources]
    graph = verify(Graph(ops, edges))
    for name, given in types.items():
        if str(graph.types[name]) != given:
            raise InputError(f"layer '{name}' is said to give {given}, but gives {graph.types[name]}")
    return graph


def _content(number: int, line: str) -> tuple[str, bytes]:
    found = CONTENT.fullmatch(line)
    try:
        if found is None:
            raise ValueError
        return found["key"], base64.b64decode(found["content"], validate=True)
    except (ValueError, binascii.Error):
        raise InputError(f"line {number}: not an array, '#fingerprint = base64'") from None


def _layer(number: int, line: str, contents: Contents) -> tuple[str, Op, list[str], str]:
    found = LAYER.fullmatch(line)
    if found is None:
        raise InputError(f"line {number}: not a layer, 'name = kind(sources, field=value) : type'")
    op_type = OPS.get(found["kind"])
    if op_type is None:
        raise InputError(
            f"line {number}: there is no operation '{found['kind']}'; there are {', '.join(OPS)}"
        )
    arguments = list(_split(found["arguments"]))
    sources = [one for one in arguments if "=" not in one]
    try:
        values = dict(_field(one, op_type, contents) for one in arguments if "=" in one)
        return found["name"], op_type(**values), sources, found["type"]
    except (InputError, TypeError, ValueError) as error:
        raise InputError(f"line {number}: layer '{found['name']}': {error}") from None


def _split(arguments: str) -> Iterator[str]:
    """At the commas that are not within brackets."""
    depth, start = 0, 0
    for i, letter in enumerate(arguments):
        depth += (letter in "[{") - (letter in "]}")
        if letter == "," and depth == 0:
            yield arguments[start:i].strip()
            start = i + 1
    if arguments[start:].strip():
        yield arguments[start:].strip()


def _field(text: str, op_type: type[Op], contents: Contents) -> tuple[str, Any]:
    found = FIELD.fullmatch(text)
    if found is None or found["name"] not in {field.name for field in fields(op_type)}:  # type: ignore[arg-type]
        raise InputError(f"'{text}' is not a field of '{op_type.kind}'")
    return found["name"], _value(found["value"], contents)


def _value(text: str, contents: Contents) -> Any:
    if array := ARRAY.fullmatch(text):
        return _array(array["dtype"], array["shape"], array["key"], contents)
    if text in WORDS:
        return WORDS[text]
    if text.startswith("[") and text.endswith("]"):
        return tuple(_number(one.strip()) for one in text[1:-1].split(","))
    return text if text.isalpha() else _number(text)


def _number(text: str) -> int | float:
    try:
        return int(text) if re.fullmatch(r"-?\d+", text) else float(text)
    except ValueError:
        raise InputError(f"'{text}' is not a number") from None


def _array(dtype: str, shape: str, key: str, contents: Contents) -> npt.NDArray[Any]:
    if key not in contents:
        raise InputError(f"the text does not hold array #{key}; write it with arrays")
    extents = tuple(int(n) for n in shape.split(","))
    number = np.dtype(dtype).newbyteorder(LITTLE_ENDIAN)
    try:
        array = np.frombuffer(contents[key], number).reshape(extents).astype(dtype)
    except ValueError:
        raise InputError(
            f"array #{key} has {len(contents[key])} bytes, which are not {dtype}{list(extents)}"
        ) from None
    if fingerprint(array) != key:
        raise InputError(f"array #{key} was changed: its fingerprint is now #{fingerprint(array)}")
    return array
