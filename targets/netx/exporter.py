"""lava-dl's `.net` as an export of `neurodeploy export`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurodeploy.exporter import Exporter
from neurodeploy.network import Network, Note
from neurodeploy.targets.netx.export import export_netx


def _write(network: Network, path: Path, options: Mapping[str, Any]) -> tuple[Note, ...]:
    return export_netx(network, path)


EXPORTER = Exporter("a .net file that lava-dl's netx loads with the same output", _write)
