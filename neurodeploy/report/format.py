"""Numbers as words, the same in every rendering."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MISSING = "–"


def percent(share: float | None, digits: int = 2) -> str:
    """0.9417 -> '94.17 %'."""
    return MISSING if share is None else f"{100 * share:.{digits}f} %"


def points(value: float) -> str:
    """Signed difference of percentages: '-0.30', '+0.00' for nothing."""
    return f"{value:+.2f}".replace("-", "−").replace("−0.00", "+0.00")


def interval(share: Mapping[str, Any]) -> str:
    """'93.10–95.12 %' of an accuracy with `low` and `high`."""
    return f"{100 * share['low']:.2f}–{100 * share['high']:.2f} %"


def count(value: float | None) -> str:
    """1234567 -> '1,234,567'; whole numbers only."""
    return MISSING if value is None else f"{value:,.0f}"


def decimal(value: float | None, digits: int = 1) -> str:
    """A fixed number of digits."""
    return MISSING if value is None else f"{value:.{digits}f}"


def significant(value: float | None, digits: int = 4) -> str:
    """A number of significant digits."""
    return MISSING if value is None else f"{value:.{digits}g}"


def decibel(row: Mapping[str, Any]) -> str:
    """An SQNR with `sqnr_db` and `exact`: 'exact' where nothing was lost."""
    return "exact" if row.get("exact") else decimal(row.get("sqnr_db"))


def shape(extents: list[int]) -> str:
    """[10, 128] -> '10×128'."""
    return "×".join(str(n) for n in extents)


def size(number: float) -> str:
    """Bytes, in KiB or MiB where that is shorter."""
    if number < 1024:
        return f"{number:.0f} B"
    return f"{number / 1024:.1f} KiB" if number < 1 << 20 else f"{number / (1 << 20):.2f} MiB"
