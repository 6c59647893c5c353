"""What users build on does not change by accident: names, arguments, attributes, options, exit codes."""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import neurodeploy as nd
from neurodeploy import errors
from neurodeploy.cli.main import build_parser

pytest.importorskip("torch")

Golden = Callable[[str, str], None]


def test_public_api(golden: Golden) -> None:
    golden("public_api", "\n".join([*functions(), *classes(), *errors_and_codes(), ""]))


def test_command_line(golden: Golden) -> None:
    golden("command_line", "\n".join([*options("neurodeploy", build_parser()), ""]))


def public_functions() -> dict[str, Callable[..., Any]]:
    """By name; `neurodeploy.report` is a package that can be called, too."""
    found = {name: getattr(nd, name) for name in nd.__all__}
    functions = {
        name: getattr(value, name) if inspect.ismodule(value) else value for name, value in found.items()
    }
    return {name: value for name, value in functions.items() if inspect.isfunction(value)}


def functions() -> Iterator[str]:
    for name, value in public_functions().items():
        yield f"{name}{signature(value)}"


def classes() -> Iterator[str]:
    """`Network` and what the functions return, with public attributes and methods."""
    found = {nd.Network, *map(returned, public_functions().values())}
    for one in sorted(found, key=lambda kind: kind.__name__):
        yield f"\nclass {one.__name__}"
        yield from sorted(members(one))


def returned(function: Callable[..., Any]) -> type:
    """The class that a function returns, which its annotation names."""
    module = sys.modules[function.__module__]
    found = getattr(module, inspect.signature(function).return_annotation)
    assert isinstance(found, type)
    return found


def members(kind: type) -> Iterator[str]:
    if dataclasses.is_dataclass(kind):
        yield from (f"    {f.name}: {f.type}" for f in dataclasses.fields(kind) if not f.name.startswith("_"))
    for name, value in vars(kind).items():
        if name.startswith("_"):
            continue
        if isinstance(value, property):
            assert value.fget is not None
            yield f"    {name} -> {inspect.signature(value.fget).return_annotation}"
        elif inspect.isfunction(value):
            yield f"    {name}{signature(value)}"


def signature(function: Callable[..., Any]) -> str:
    """Names, kinds, types and defaults of the arguments; a default that is no plain value is named by its kind."""
    given = inspect.signature(function)
    plain = (bool, int, float, str, tuple, type(None))
    parameters = [
        p
        if p.default is p.empty or isinstance(p.default, plain)
        else p.replace(default=Named(type(p.default).__name__))
        for p in given.parameters.values()
    ]
    return str(given.replace(parameters=parameters)).replace("'", "")


class Named:
    """A default that shows as a name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<{self.name}>"


def errors_and_codes() -> Iterator[str]:
    yield ""
    for name, value in sorted(vars(errors).items()):
        if isinstance(value, type) and issubclass(value, errors.NeurodeployError):
            base = value.__bases__[0].__name__
            yield f"errors.{name}({base}): exit code {value.exit_code}"


def options(path: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    """A line for each argument of a parser and of its verbs."""
    yield path
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb, child in action.choices.items():
                yield ""
                yield from options(f"{path} {verb}", child)
        elif not isinstance(action, argparse._HelpAction):
            yield f"    {written(action)}"


def written(action: argparse.Action) -> str:
    name = "/".join(action.option_strings) or str(action.metavar or action.dest)
    value = (
        "" if action.nargs == 0 or not action.option_strings else f" {action.metavar or action.dest.upper()}"
    )
    choices = "" if action.choices is None else f" of {', '.join(map(str, action.choices))}"
    needed = " (required)" if action.required and action.option_strings else ""
    default = "" if action.default in (None, False, argparse.SUPPRESS, []) else f" = {action.default}"
    return f"{name}{value}{choices}{needed}{default}"
