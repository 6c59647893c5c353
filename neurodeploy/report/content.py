"""The parts of a page, free of any markup: what Markdown and HTML both render."""

from __future__ import annotations

from dataclasses import dataclass

Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under named columns.

    `legend` explains columns, (name, meaning); `heat` gives each cell of a row, after its first, a weight of
    0..1 to shade it with.
    """

    caption: str
    columns: Cells
    rows: tuple[Cells, ...]
    legend: tuple[tuple[str, str], ...] = ()
    heat: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot by its name in `neurodeploy.report.plots.PLOTS`; `caption` says what to look for."""

    name: str
    title: str
    caption: str


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with paragraphs, tables and plots; `items` are bullets, `code` a command or JSON."""

    anchor: str
    title: str
    text: Cells = ()
    items: Cells = ()
    tables: tuple[Table, ...] = ()
    plots: tuple[Plot, ...] = ()
    code: str = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """One number at the top of the page; `tone` is 'plain', 'good' or 'warn'."""

    label: str
    value: str
    detail: str
    tone: str = "plain"
