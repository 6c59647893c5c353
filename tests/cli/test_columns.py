from __future__ import annotations

from neurodeploy.cli.columns import columns


def test_columns_are_aligned_and_lines_end_with_text() -> None:
    rows = [("layer", "cores", "on"), ("a", "1", ""), ("longest", "12", "tile 3")]
    assert columns(rows) == ["layer    cores  on", "a        1", "longest  12     tile 3"]


def test_numbers_end_together() -> None:
    assert columns([("layer", "cores"), ("a", "1")], right=[1]) == ["layer  cores", "a          1"]


def test_no_rows_are_no_lines() -> None:
    assert columns([]) == []
