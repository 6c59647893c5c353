"""NIR as an export of `neurodeploy export`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurodeploy.exporter import Exporter
from neurodeploy.network import Note
from neurodeploy.targets.nir.export import export_nir


def _write(content: Any, path: Path, options: Mapping[str, Any]) -> tuple[Note, ...]:
    return export_nir(content, path, **options)


EXPORTER = Exporter(
    "a .nir file in the dialect that snnTorch, SpikingJelly and Norse read alike, exact integers beside it",
    _write,
    takes_models=True,
    options=frozenset({"strict", "compat", "dt"}),
)
