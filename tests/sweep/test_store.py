from __future__ import annotations

from pathlib import Path

from neurodeploy.sweep import Point, Setting
from neurodeploy.sweep.store import Store

FOUR = Setting.uniform(["a", "b"], 4)
POINT = Point({"a": 4, "b": 4}, [1, 0], [1, 2], overflows=3)
FLOAT = Point({}, [1, 1], [0, 2])


def test_kept_on_disk(tmp_path: Path) -> None:
    store = Store("digest", tmp_path / "new" / "folder")
    assert store.get(FOUR) is None
    store.put(FOUR, POINT)
    store.put(None, FLOAT)
    again = Store("digest", tmp_path / "new" / "folder")
    assert (again.get(FOUR), again.get(None)) == (POINT, FLOAT)
    assert (store.computed, again.computed) == (2, 0)
    assert len(list((tmp_path / "new" / "folder" / "points").iterdir())) == 2


def test_other_work_other_points(tmp_path: Path) -> None:
    Store("digest", tmp_path).put(FOUR, POINT)
    assert Store("another", tmp_path).get(FOUR) is None
    assert Store("digest", tmp_path).get(FOUR.with_layer("a", 8)) is None


def test_without_a_folder() -> None:
    store = Store("digest")
    store.put(FOUR, POINT)
    assert store.get(FOUR) == POINT
    assert Store("digest").get(FOUR) is None


def test_damaged_file_counts_as_missing(tmp_path: Path) -> None:
    Store("digest", tmp_path).put(FOUR, POINT)
    path = next((tmp_path / "points").iterdir())
    for content in (b"", path.read_bytes()[:-5], b'{"bits": 4}', b"\xff\xfe", b'{"bits": {"a": 4, "b": 3}}'):
        path.write_bytes(content)
        assert Store("digest", tmp_path).get(FOUR) is None
