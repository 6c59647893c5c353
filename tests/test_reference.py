"""The generated reference names everything that there is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import neurodeploy
from neurodeploy.chip import load_chip
from neurodeploy.cli.main import VERBS

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def fill() -> Callable[[str], str]:
    pytest.importorskip("torch")
    sys.path.insert(0, str(DOCS))
    try:
        from reference_pages import fill as found
    finally:
        sys.path.remove(str(DOCS))
    return found


@pytest.fixture(scope="module")
def pages(fill: Callable[[str], str]) -> dict[str, str]:
    return {path.stem: fill(path.read_text("utf-8")) for path in (DOCS / "reference").glob("*.md")}


def test_no_mark_is_left(pages: dict[str, str]) -> None:
    assert sorted(pages) == ["api", "cli", "run-json", "target-schema"]
    assert not [name for name, text in pages.items() if "<!-- generated" in text]


def test_every_verb_and_setting(pages: dict[str, str]) -> None:
    for verb in VERBS:
        assert f"## neurodeploy {verb}\n" in pages["cli"]
        assert f"usage: neurodeploy {verb} " in pages["cli"]
    assert "| `quant.bits` | `8` |" in pages["cli"]


def test_every_public_name(pages: dict[str, str]) -> None:
    for name in neurodeploy.__all__:
        assert name.startswith("__") or f"### `neurodeploy.{name}`" in pages["api"]
    assert "backend: str = 'engine'" in pages["api"]
    assert " at 0x" not in pages["api"]


def test_every_number_of_a_chip(pages: dict[str, str]) -> None:
    for path, _ in load_chip("loihi2").entries():
        section, _, key = path.rpartition(".")
        assert section == "boards" or f"## `[{section}]`" in pages["target-schema"]
        assert section == "boards" or f"| `{key}` |" in pages["target-schema"]


def test_unknown_mark(fill: Callable[[str], str]) -> None:
    with pytest.raises(SystemExit, match="nothing generates 'moon'"):
        fill("<!-- generated: moon -->")
