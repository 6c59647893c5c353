"""The page of the Python API, from signatures and docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import neurodeploy

WIDTH = 100
"""Columns of a signature."""
MODULES = (
    "neurodeploy.data",
    "neurodeploy.network",
    "neurodeploy.backend",
    "neurodeploy.compiler",
    "neurodeploy.compare",
    "neurodeploy.learning",
    "neurodeploy.training",
    "neurodeploy.sweep",
    "neurodeploy.exporter",
    "neurodeploy.chip",
    "neurodeploy.resources",
    "neurodeploy.cost",
    "neurodeploy.ir",
    "neurodeploy.passes",
    "neurodeploy.semantics",
)
"""The modules whose public names are on the page of the API, after those of `neurodeploy` itself."""


def api() -> Iterator[str]:
    """Every public name with its signature and docstring."""
    names = [name for name in neurodeploy.__all__ if not name.startswith("__")]
    yield from _section("neurodeploy", names)
    for module in MODULES:
        yield from _section(module, _public(module))


def _public(module: str) -> list[str]:
    found = import_module(module)
    if hasattr(found, "__all__"):
        return list(found.__all__)
    own = (n for n, value in vars(found).items() if getattr(value, "__module__", None) == module)
    return [name for name in own if not name.startswith("_")]


def _section(module: str, names: list[str]) -> Iterator[str]:
    found = import_module(module)
    first = (inspect.getdoc(found) or "").partition("\n\n")[0].replace("\n", " ")
    yield from (f"## {module}", "", first, "")
    for name in names:
        value = getattr(found, name)
        if callable(value) and value.__doc__:
            yield from _entry(f"{module}.{name}", value)


def _entry(path: str, value: Any) -> Iterator[str]:
    kind = "class" if inspect.isclass(value) else "def"
    yield from (
        f"### `{path}`",
        "",
        f"```python\n{_folded(f'{kind} {_signature(path, value)}')}\n```",
        "",
        _text(value),
        "",
    )
    if kind == "class":
        for name, member in vars(value).items():
            if not name.startswith("_") and _is_member(member):
                yield from (f"- `.{_member(name, member)}`: {_indented(_text(member))}", "")


def _is_member(value: Any) -> bool:
    return bool((inspect.isfunction(value) or isinstance(value, property)) and value.__doc__)


def _member(name: str, member: Any) -> str:
    return name if isinstance(member, property) else f"{name}{_parameters(member)}"


def _signature(path: str, value: Any) -> str:
    return path.rpartition(".")[2] + _parameters(value)


class _Plain(str):
    """An annotation that is shown without quotes."""

    __slots__ = ()
    __repr__ = str.__str__


class _Made:
    """A default that is made anew for each call."""

    def __repr__(self) -> str:
        return "..."


def _parameters(value: Any) -> str:
    try:
        found = inspect.signature(value)
    except ValueError:
        return "(...)"
    kept = [_shown(p) for name, p in found.parameters.items() if name != "self"]
    returned = found.return_annotation
    plain = _Plain(returned) if isinstance(returned, str) else returned
    text = str(found.replace(parameters=kept, return_annotation=plain))
    return text.removesuffix(" -> None") if inspect.isclass(value) else text


def _shown(parameter: inspect.Parameter) -> inspect.Parameter:
    if isinstance(parameter.annotation, str):
        parameter = parameter.replace(annotation=_Plain(parameter.annotation))
    if repr(parameter.default).startswith("<") and parameter.default is not inspect.Parameter.empty:
        parameter = parameter.replace(default=_Made())
    return parameter


def _folded(text: str) -> str:
    """A signature that is too long, one parameter a line."""
    if len(text) <= WIDTH or "(" not in text:
        return text
    depth, start, parts = 0, text.index("(") + 1, []
    for i, letter in enumerate(text[start:], start):
        depth += (letter in "([{") - (letter in ")]}")
        if depth < 0 or (letter == "," and depth == 0):
            parts.append(text[start:i].strip())
            start = i + 1
        if depth < 0:
            break
    return f"{text[: text.index('(')]}(\n    " + ",\n    ".join(parts) + f",\n){text[start:]}"


def _text(value: Any) -> str:
    """The docstring, which is Markdown: indented equations are code."""
    return inspect.getdoc(value) or ""


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")
