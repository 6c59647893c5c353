"""A program for Lava as an export of `neurodeploy export`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurodeploy.exporter import Exporter
from neurodeploy.network import Network, Note
from neurodeploy.targets.lava.script import PICTURE, write_script


def _write(network: Network, path: Path, options: Mapping[str, Any]) -> tuple[Note, ...]:
    program, weights = write_script(network, path)
    return (
        Note("program", f"{program}: run it with `python {program} DATA.npz RESULT.npz`"),
        Note("weights", str(weights)),
        Note("picture", f"{program.with_name(PICTURE)}: the processes and how they are connected"),
    )


EXPORTER = Exporter("a folder with a Python program that makes and runs the Lava processes", _write)
