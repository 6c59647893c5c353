"""Finished points, in memory and, where there is a folder, on disk: what is there is never computed again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import msgspec

from neurodeploy.files import write_atomic
from neurodeploy.sweep.point import Point
from neurodeploy.sweep.setting import Setting

FOLDER = "points"


class Store:
    """Points of one work by setting, None for the float network; `digest` is that of the work.

    On disk each point is FOLDER/points/KEY.json, written atomically, where KEY is the SHA-256 of digest and bits. A
    file that is no point of these bits counts as missing.
    """

    def __init__(self, digest: str, folder: Path | None = None) -> None:
        self._digest, self._folder = digest, None if folder is None else folder / FOLDER
        self._points: dict[str, Point] = {}
        self.computed = 0
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)

    def get(self, setting: Setting | None) -> Point | None:
        """The point, or None where it has not been measured."""
        key = self._key(setting)
        if (
            key not in self._points
            and (found := self._read(key)) is not None
            and found.bits == _bits(setting)
        ):
            self._points[key] = found
        return self._points.get(key)

    def put(self, setting: Setting | None, point: Point) -> None:
        """Keep a point that was measured now."""
        key = self._key(setting)
        self._points[key] = point
        self.computed += 1
        if self._folder is not None:
            write_atomic(self._folder / f"{key}.json", msgspec.json.encode(point))

    def _read(self, key: str) -> Point | None:
        path = None if self._folder is None else self._folder / f"{key}.json"
        if path is None or not path.is_file():
            return None
        try:
            return msgspec.json.decode(path.read_bytes(), type=Point)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    def _key(self, setting: Setting | None) -> str:
        text = json.dumps([self._digest, _bits(setting)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _bits(setting: Setting | None) -> dict[str, int]:
    return {} if setting is None else dict(setting.bits)
