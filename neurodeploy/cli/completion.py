"""`neurodeploy --print-completion SHELL`: a script that completes verbs, options and paths, made by shtab."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any

from neurodeploy.errors import BackendMissing

SHELLS = ("bash", "zsh", "tcsh")
PATHS = (
    "DATA",
    "DIR",
    "FILE",
    "FOLDER",
    "MODEL",
    "NET.",
    "OUT.",
    "LEARNED.",
    "LOG.",
    "STATE",
    "RUN",
    "F.toml",
)
"""What the metavar of an argument that takes a path begins with, of one of its alternatives."""


class PrintCompletion(argparse.Action):
    """Prints the script and ends; without shtab it says what to install."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """See `argparse.Action`."""
        if find_spec("shtab") is None:
            message = "--print-completion needs shtab: pip install 'neurodeploy[completion]'"
            parser.exit(BackendMissing.exit_code, f"neurodeploy: {message}\n")
        import shtab

        for action in _path_actions(parser):
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        sys.stdout.write(shtab.complete(parser, shell=str(values)))
        parser.exit()


def _path_actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from _path_actions(child)
        elif action.choices is None and _is_path(action.metavar):
            yield action


def _is_path(metavar: str | tuple[str, ...] | None) -> bool:
    return isinstance(metavar, str) and any(part.startswith(PATHS) for part in metavar.split("|"))
