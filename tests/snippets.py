"""Runs the snippets of a Markdown page, and compares what they print with what the page says.

One page is one folder: its blocks run in their order. A block of

- `console` holds commands after `$`, and lines of what they print; other lines may stand between these;
- `python` runs, in one name space a page; where the sentence before it ends with ':' and names a `FILE.py` or
  `FILE.toml`, the block is that file instead.

A block that is only indented is of `console` where it has a `$`. A comment before a block changes that:
`<!-- snippet: slow -->` runs it in `make docs-check` only, `<!-- snippet: needs PACKAGE -->` skips the rest of the page
where that is not installed, `<!-- snippet: exit N -->` expects its last command to end with that code, and
`<!-- snippet: shown -->` never runs it. What needs data that are downloaded is never run.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import runpy
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from neurodeploy.cli.main import main

ROOT = Path(__file__).parents[1]
EVERYTHING = "NEURODEPLOY_DOCS_CHECK"
"""The environment variable with which slow snippets run too."""
TOLERANCE = 0.05
"""Share by which a number may differ: trainings on another kind of processor end with other last digits."""
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")
SECONDS = re.compile(r"\d[\d.]* s\b")
MARK = re.compile(r"<!-- snippet: (\w+)(?: (.+?))? -->")
FILE = re.compile(r"`([\w-]+\.(?:py|toml))`")
DOWNLOADED = re.compile(r"--data (?:fashion-mnist|mnist|cifar10|nmnist|myo)|compile fmnist")


@dataclass(frozen=True)
class Block:
    """One snippet: its language, text and line, the file it is, and its marks with their values."""

    language: str
    text: str
    line: int
    file: str | None
    marks: dict[str, str]

    def commands(self) -> Iterator[tuple[list[str], list[str]]]:
        """Each command after a `$`, split, with the lines that it prints."""
        text = self.text.replace("\\\n", " ")
        for part in re.split(r"(?m)^\$ ", text)[1:]:
            command, _, printed = part.partition("\n")
            yield shlex.split(command, comments=True), [line for line in printed.splitlines() if line.strip()]


def blocks(page: Path) -> list[Block]:
    """All snippets of a page."""
    found: list[Block] = []
    sentence, marks = "", {}
    for token in MarkdownIt("commonmark").parse(page.read_text("utf-8")):
        if token.type == "inline":
            sentence = token.content
        elif token.type == "html_block":
            marks |= dict(MARK.findall(token.content))
        elif token.type in ("fence", "code_block"):
            named = FILE.search(sentence) if sentence.rstrip().endswith(":") else None
            language = (token.info.split() or ["console" if re.search(r"(?m)^\$ ", token.content) else ""])[0]
            file = named[1] if named and language in ("python", "toml") else None
            found.append(Block(language, token.content, (token.map or [0])[0] + 1, file, marks))
            sentence, marks = "", {}
    return found


def commands(page: Path) -> Iterator[list[str]]:
    """Every command of neurodeploy in the code blocks of a page, in console form or not."""
    for block in blocks(page):
        text = block.text.replace("\\\n", " ")
        for line in text.splitlines():
            if re.match(r"(\$ )?neurodeploy [\w-]+( |$)", line.strip()):
                yield shlex.split(line.strip().removeprefix("$ "), comments=True)[1:]


@dataclass
class Runner:
    """Runs pages; a training that was run before is copied, with all that it printed."""

    store: Path
    trained: dict[tuple[str, ...], tuple[Path, str]] = field(default_factory=dict)

    def run(self, page: Path, folder: Path) -> int:
        """Run the page's snippets in `folder`, which is where the process is; the number of blocks that ran."""
        names: dict[str, Any] = {"__name__": "__main__"}
        ran = 0
        with _importable(folder):
            for block in blocks(page):
                where = f"{page.name}:{block.line}"
                if "needs" in block.marks and find_spec(block.marks["needs"]) is None:
                    pytest.skip(f"{where} needs {block.marks['needs']}")
                if _left_out(block):
                    continue
                if block.file:
                    Path(block.file).write_text(block.text, "utf-8")
                elif block.language == "python":
                    exec(compile(block.text, where, "exec"), names)
                elif block.language == "console":
                    self._console(block, where)
                else:
                    continue
                ran += 1
        return ran

    def _console(self, block: Block, where: str) -> None:
        found = list(block.commands())
        for i, (words, expected) in enumerate(found):
            code = int(block.marks.get("exit", 0)) if i == len(found) - 1 else 0
            ended, printed = self._command(words)
            assert ended == code, f"{where}: {shlex.join(words)} ended with {ended}:\n{printed}"
            missing = first_missing(expected, printed.splitlines())
            assert missing is None, f"{where}: {shlex.join(words)} does not print {missing!r}:\n{printed}"

    def _command(self, words: list[str]) -> tuple[int, str]:
        program, *arguments = words
        if program == "python":
            return _captured(lambda: _script(arguments))
        assert program == "neurodeploy", f"a page cannot run {program!r}"
        if arguments[0] != "train":
            return _captured(lambda: main(arguments))
        return self._train(arguments)

    def _train(self, arguments: list[str]) -> tuple[int, str]:
        at = arguments.index("-o") + 1
        output, key = Path(arguments[at]), (*arguments[:at], *arguments[at + 1 :])
        if key not in self.trained:
            code, printed = _captured(lambda: main(arguments))
            if code:
                return code, printed
            kept = self.store / str(len(self.trained))
            shutil.copytree(output, kept)
            self.trained[key] = kept, printed
        kept, printed = self.trained[key]
        shutil.copytree(kept, output, dirs_exist_ok=True)
        return 0, printed


def _left_out(block: Block) -> bool:
    slow = "slow" in block.marks and EVERYTHING not in os.environ
    return slow or "shown" in block.marks or DOWNLOADED.search(block.text) is not None


def _captured(call: Any) -> tuple[int, str]:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            code = call()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 2
    return code or 0, printed.getvalue()


def _script(arguments: list[str]) -> int:
    before, sys.argv = sys.argv, arguments
    try:
        runpy.run_path(arguments[0], run_name="__main__")
    finally:
        sys.argv = before
    return 0


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Modules in `folder` can be imported, and are forgotten afterwards."""
    path, known = list(sys.path), set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - known:
            if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(folder)):
                del sys.modules[name]


def first_missing(expected: list[str], printed: list[str]) -> str | None:
    """The first expected line that is not printed, in the order of the lines; None if all are."""
    rest = iter(printed)
    return next((line for line in expected if not any(same(line, other) for other in rest)), None)


def same(expected: str, printed: str) -> bool:
    """Whether two lines are the same: words exactly, seconds never compared, numbers within the tolerance, 0 exactly.

    An expected line that ends in '...' is the beginning of the printed one.
    """
    words = [expected.split(), printed.split()]
    if words[0][-1:] == ["..."]:
        words = [words[0][:-1], words[1][: len(words[0]) - 1]]
    lines = [SECONDS.sub("s", " ".join(part)) for part in words]
    if NUMBER.sub("#", lines[0]) != NUMBER.sub("#", lines[1]):
        return False
    pairs = zip(*(map(float, NUMBER.findall(line)) for line in lines), strict=True)
    return all(abs(a - b) <= TOLERANCE * abs(a) for a, b in pairs)
