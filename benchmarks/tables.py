"""Tables on stdout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def table(title: str, columns: Sequence[str], rows: Mapping[str, Sequence[str]]) -> None:
    """Print one line a row under a title, the cells to the right under their columns."""
    lines = {"": columns, **rows}
    widths = [max(map(len, cells)) for cells in zip(*lines.values(), strict=True)]
    print(f"\n{title}")
    for name, cells in lines.items():
        shown = "  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
        print(f"{name:{max(map(len, lines))}}  {shown}", flush=True)
