"""The argument parser of every verb: a mistake is one line with what is wrong, what was near, and where the help is."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from neurodeploy.errors import UsageError

LIKENESS = 0.8
"""Ratio of `difflib.SequenceMatcher` from which an option is taken for a mistyped one."""


class Parser(argparse.ArgumentParser):
    """Refuses what it does not know by itself, so that the message names the verb."""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """See `argparse.ArgumentParser`; what is left over is an error here."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}{self._near(unknown)}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        self.exit(UsageError.exit_code, f"{self.prog}: {message}. See `{self.prog} --help`\n")

    def _near(self, unknown: Sequence[str]) -> str:
        """The known options that the unknown ones may be meant to be."""
        known = [option for option in self._option_string_actions if option.startswith("--")]
        options = [word.partition("=")[0] for word in unknown if word.startswith("--")]
        near = [match for option in options for match in get_close_matches(option, known, 1, LIKENESS)]
        return f" (did you mean {', '.join(near)}?)" if near else ""
