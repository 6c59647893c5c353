"""Writes docs/operations.md from the table of operations, docs/targets/ from chips and docs/zoo.md from cards.

`python docs/generate.py`, or with --check.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

import msgspec
from chip_pages import chip_pages
from zoo_page import zoo_page

from neurodeploy.ir import OPS

HERE = Path(__file__).parent
PAGE, ZOO = HERE / "operations.md", HERE / "zoo.md"
HEAD = """# Operations

Every operation of the graph, in its two dialects: **float** is what was trained (`neurodeploy.ir.interpreter` executes
it), **integer** what the chip computes (`neurodeploy.semantics`). This page is written by `python docs/generate.py`.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_peers(), *(_operation(kind) for kind in OPS)])


def _operation(kind: str) -> str:
    op = OPS[kind]
    text = inspect.cleandoc(op.__doc__ or "")
    result = inspect.cleandoc(op.result.__doc__ or "")
    return f"## `{kind}`\n\n{op.__name__}, dialect {op.dialect}. Types: {result}\n\n```text\n{text}\n```\n"


def _peers() -> list[str]:
    peers = msgspec.toml.decode((HERE / "peers.toml").read_bytes())
    kinds = [kind for kind, op in OPS.items() if op.dialect != "integer"]
    names = [peer["title"] for peer in peers.values()]
    rows = ["## Which tools take which operations", "", f"| operation | neurodeploy | {' | '.join(names)} |"]
    rows.append(f"|---|---|{'---|' * len(names)}")
    for kind in kinds:
        cells = [_cell(kind, peer) for peer in peers.values()]
        rows.append(f"| `{kind}` | yes | {' | '.join(cells)} |")
    counts = [sum(kind in peer["yes"] or kind in peer["part"] for kind in kinds) for peer in peers.values()]
    rows.append(f"| taken, wholly or in part | {len(kinds)} | {' | '.join(str(n) for n in counts)} |")
    rows.append("")
    rows += [f"- {peer['title']}: {peer['source']}." for peer in peers.values()]
    return [*rows, ""]


def _cell(kind: str, peer: dict[str, Any]) -> str:
    if kind in peer["part"]:
        return str(peer["part"][kind])
    if (kind in peer["yes"]) == (kind in peer["no"]):
        raise SystemExit(f"docs/peers.toml: {peer['title']} must say of '{kind}' yes, part or no, once")
    return "yes" if kind in peer["yes"] else "no"


def pages() -> dict[Path, str]:
    """Every page that is generated."""
    return {PAGE: page(), ZOO: zoo_page(), **{HERE / name: text for name, text in chip_pages().items()}}


def main() -> int:
    """Write the pages, or with --check say whether they are as they would be written."""
    if sys.argv[1:] == ["--check"]:
        there = {PAGE, ZOO, *(HERE / "targets").glob("*.md")}
        same = all(path.exists() and path.read_text("utf-8") == text for path, text in pages().items())
        return 0 if same and there == set(pages()) else 1
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
