"""run.json to Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from neurodeploy.report.content import Section, Table
from neurodeploy.report.sections import sections, tiles, title

SPECIAL = re.compile(r"([\\`*_\[\]<>#|~])")
SPACES = re.compile(r"\s+")


def to_markdown(run: Mapping[str, Any]) -> str:
    """The report as Markdown with tables; plots are in the HTML only."""
    lines = [f"# {plain(title(run))}", "", plain(run["verdict"]["text"]), ""]
    lines += [*_rows(("", "value", ""), [(t.label, t.value, t.detail) for t in tiles(run)]), ""]
    for section in sections(run):
        lines += _section(section)
    return "\n".join(lines).rstrip() + "\n"


def plain(text: str) -> str:
    """Text that means nothing in Markdown or HTML, on one line."""
    return SPECIAL.sub(r"\\\1", SPACES.sub(" ", text).replace("&", "&amp;"))


def _section(section: Section) -> Iterator[str]:
    yield from (f"## {plain(section.title)}", "")
    for paragraph in section.text:
        yield from (plain(paragraph), "")
    if section.items:
        yield from (*(f"- {plain(item)}" for item in section.items), "")
    for table in section.tables:
        yield from _table(table)
    if section.code:
        yield from _code(section.code)


def _table(table: Table) -> Iterator[str]:
    yield from (f"**{plain(table.caption)}**", "")
    yield from (*_rows(table.columns, table.rows), "")
    if table.legend:
        yield from (*(f"- {plain(name)}: {plain(meaning)}" for name, meaning in table.legend), "")


def _rows(columns: tuple[str, ...], rows: Any) -> Iterator[str]:
    yield f"| {' | '.join(plain(c) for c in columns)} |"
    yield f"|{' --- |' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(plain(cell) for cell in row)} |"


def _code(text: str) -> Iterator[str]:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield from (f"{fence}text", text, fence, "")
