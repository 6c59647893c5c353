"""Every snippet of README and docs: commands and names exist, tutorials do and print what they say."""

from __future__ import annotations

import argparse
import ast
import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from unittest.mock import patch

import pytest

from neurodeploy.cli.main import build_parser
from tests.snippets import EVERYTHING, ROOT, Runner, blocks, commands, first_missing, same

DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])
RUN = sorted(
    [
        DOCS / "start.md",
        DOCS / "dangers.md",
        *DOCS.glob("writing-a-*.md"),
        *DOCS.glob("tutorials/*.md"),
    ]
)
LONG = [ROOT / "README.md", DOCS / "diff.md"]
"""Pages that run in `make docs-check` only."""


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    return Runner(tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="module")
def parser() -> argparse.ArgumentParser:
    return build_parser()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_are_understood(page: Path, parser: argparse.ArgumentParser) -> None:
    for words in commands(page):
        if "..." not in words:
            try:
                parser.parse_args(words)
            except SystemExit as end:
                assert end.code == 0, f"{name(page)}: neurodeploy {' '.join(words)}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_imported_names_exist(page: Path) -> None:
    for block in blocks(page):
        if block.language != "python":
            continue
        for node in ast.walk(ast.parse(block.text)):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("neurodeploy"):
                module = import_module(str(node.module))
                missing = [one.name for one in node.names if not hasattr(module, one.name)]
                assert not missing, f"{name(page)}:{block.line}: {node.module} has no {missing}"


@pytest.fixture(autouse=True)
def rules_of_a_page_end_with_it() -> Iterator[None]:
    """A page may add a training rule to the table."""
    training = pytest.importorskip("neurodeploy.training")
    with patch.dict(training.RULES):
        yield


@pytest.mark.parametrize("page", RUN, ids=name)
def test_page_does_what_it_says(
    page: Path, runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert runner.run(page, tmp_path) > 0


@pytest.mark.skipif(EVERYTHING not in os.environ, reason="long: run by `make docs-check`")
@pytest.mark.parametrize("page", LONG, ids=name)
def test_long_page_does_what_it_says(
    page: Path, runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert runner.run(page, tmp_path) > 0


@pytest.mark.parametrize(
    ("expected", "printed", "equal"),
    [
        ("accuracy 96.18 % on 497 samples", "accuracy 96.58 % on 497 samples", True),
        ("accuracy 96.18 %", "accuracy 88.00 %", False),
        ("0 mismatches", "1 mismatches", False),
        ("engine  0.43 s", "engine 12 s", True),
        ("engine = lava", "engine = onnxruntime", False),
        ("lif1  8  neurons ...", "lif1   8   neurons 16 of 20", True),
        ("lif1  8  axons ...", "lif1   8   neurons 16 of 20", False),
    ],
)
def test_lines_are_compared(expected: str, printed: str, equal: bool) -> None:
    assert same(expected, printed) == equal


def test_lines_come_in_their_order() -> None:
    assert first_missing(["a", "c"], ["a", "b", "c"]) is None
    assert first_missing(["c", "a"], ["a", "b", "c"]) == "a"


def test_a_page_that_lies_is_found(runner: Runner, tmp_path: Path) -> None:
    lie = tmp_path / "lie.md"
    lie.write_text("```console\n$ neurodeploy targets\n  loihi9   a chip that there is not\n```\n", "utf-8")
    with pytest.raises(AssertionError, match="does not print '  loihi9"):
        runner.run(lie, tmp_path)
