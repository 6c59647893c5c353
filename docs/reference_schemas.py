"""The pages of two schemas: run.json of a report, and the description of a chip."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from neurodeploy.chip import Chip, Limit, Property, Quantity, load_chip, number


def run_json() -> Iterator[str]:
    """The schema of run.json."""
    text = files("neurodeploy.report").joinpath("run.schema.json").read_text("utf-8")
    yield from _properties(json.loads(text))
    yield from ("", "## The schema itself", "", "```json", text.rstrip(), "```")


def _properties(schema: dict[str, Any]) -> Iterator[str]:
    yield from ("| key | type | |", "|---|---|---|")
    required = schema.get("required", [])
    for name, value in schema["properties"].items():
        text = value.get("description", "") or ("" if name in required else "optional")
        yield f"| `{name}` | {_type(value)} | {text} |"


def _type(value: dict[str, Any]) -> str:
    if "$ref" in value:
        return f"`{value['$ref'].rpartition('/')[2]}`"
    if "anyOf" in value:
        return " or ".join(_type(one) for one in value["anyOf"])
    kind = value.get("type", "const" if "const" in value else "any")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def target_schema() -> Iterator[str]:
    """Every section of a chip's description: what it means, its keys, and what they are for loihi2."""
    example = {path: number(entry) for path, entry in load_chip("loihi2").entries()}
    for struct, path in _sections(Chip, ""):
        yield from (f"## `[{path}]`" if path else "## The chip itself", "", inspect.getdoc(struct) or "", "")
        yield from ("| key | kind | loihi2 |", "|---|---|---|")
        for name, annotation in get_type_hints(struct).items():
            where = f"{path}.{name}" if path else name
            yield f"| `{name}` | {_kind(annotation)} | {example.get(where, '')} |"
        yield ""
    for kind in (Quantity, Limit, Property):
        yield from (f"## A {kind.__name__}", "", inspect.getdoc(kind) or "", "")
        yield from (f"- `{name}`{_choices(hint)}" for name, hint in get_type_hints(kind).items())
        yield ""


def _sections(struct: type[msgspec.Struct], path: str) -> Iterator[tuple[type[msgspec.Struct], str]]:
    yield struct, path
    for name, annotation in get_type_hints(struct).items():
        for inner in (annotation, *get_args(annotation)):
            if (
                inspect.isclass(inner)
                and issubclass(inner, msgspec.Struct)
                and get_origin(annotation) is not dict
            ):
                yield from _sections(inner, f"{path}.{name}" if path else name)


def _kind(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin in (Quantity, Limit, Property):
        return origin.__name__
    if origin is dict:
        return f"table of {_kind(get_args(annotation)[1])}"
    return "section, optional" if type(None) in get_args(annotation) else _plain(annotation)


def _plain(annotation: Any) -> str:
    if inspect.isclass(annotation) and issubclass(annotation, msgspec.Struct):
        return "section"
    return "list of texts" if get_origin(annotation) is tuple else "text"


def _choices(annotation: Any) -> str:
    chosen = get_args(annotation) if get_origin(annotation) is Literal else ()
    return f": {', '.join(map(str, chosen))}" if chosen else ""
