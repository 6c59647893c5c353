"""The generated parts of the reference: `fill` puts each in the place of its mark, `<!-- generated: NAME -->`.

They are made when the site is built, from the program itself, so none of them can be out of date.
"""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module

from reference_api import WIDTH, api
from reference_schemas import run_json, target_schema

from neurodeploy.backend import backend_entries
from neurodeploy.cli.main import VERBS, build_parser
from neurodeploy.compiler import CompileConfig
from neurodeploy.errors import NeurodeployError
from neurodeploy.exporter import exporter_entries
from neurodeploy.training import RULES, TrainConfig

MARK = re.compile(r"<!-- generated: ([a-z-]+) -->")


def fill(text: str) -> str:
    """A page with every mark replaced; `SystemExit` for a name that nothing generates."""

    def generated(found: re.Match[str]) -> str:
        if found[1] not in PARTS:
            raise SystemExit(f"docs: nothing generates {found[1]!r}; there are {', '.join(PARTS)}")
        return "\n".join(PARTS[found[1]]())

    return MARK.sub(generated, text)


def command_line() -> Iterator[str]:
    """A section for each verb with its help."""
    verbs = next(a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction))
    for verb in VERBS:
        parser = verbs.choices[verb]
        parser.formatter_class = partial(argparse.RawDescriptionHelpFormatter, width=WIDTH)
        usage, _, rest = parser.format_help().partition("common options:")
        common, _, epilog = rest.partition("example:")
        example, _, codes = epilog.partition("\n\n")
        yield from (f"## neurodeploy {verb}", "", "```text", f"{usage}example:{example}", "```", "")
    yield from ("## Options of every verb", "", "```text", f"common options:{common}{codes}".rstrip(), "```")


def errors() -> Iterator[str]:
    """The table of errors, from the docstring of their module."""
    yield inspect.getdoc(import_module(NeurodeployError.__module__)) or ""


def entry_points() -> Iterator[str]:
    """Back ends and exports that are registered, with what each says of itself."""
    for title, entries in (("Back ends", backend_entries()), ("Exports", exporter_entries())):
        yield from (f"{title}:", "")
        yield from (f"- `{name}`: {entry.load().summary}" for name, entry in entries.items())
        yield ""


def settings() -> Iterator[str]:
    """Every setting of `compile --set`, with its default."""
    yield from ("| `--set` | default |", "|---|---|")
    for section in CompileConfig.__struct_fields__:
        values = getattr(CompileConfig(), section)
        for name in values.__struct_fields__:
            yield f"| `{section}.{name}` | `{getattr(values, name)!r}` |"


def train_settings() -> Iterator[str]:
    """Every name of a training configuration, with its default; the options of every rule by preset."""
    yield from ("| name | default |", "|---|---|")
    yield from (
        f"| `{name}` | `{getattr(TrainConfig(), name)!r}` |" for name in TrainConfig.__struct_fields__
    )
    yield from ("", "| rule | preset | options |", "|---|---|---|")
    for rule, found in RULES.items():
        for preset, options in found.presets.items():
            fields = ", ".join(f"`{name}={getattr(options, name)!r}`" for name in options.__slots__)
            yield f"| `{rule}` | {preset} | {fields} |"


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "command-line": command_line,
    "errors": errors,
    "entry-points": entry_points,
    "api": api,
    "run-json": run_json,
    "target-schema": target_schema,
    "settings": settings,
    "train-settings": train_settings,
}
