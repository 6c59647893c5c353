"""A program for Lava as an export of `neurodeploy export`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neurodeploy.command_line import command_line
from neurodeploy.exporter import Exporter
from neurodeploy.network import Network, Note
from neurodeploy.targets.lava.script import PICTURE, write_script


def _write(network: Network, path: Path, options: Mapping[str, Any]) -> tuple[Note, ...]:
    return _notes(*write_script(network, path))


def _write_standard(network: Network, path: Path, options: Mapping[str, Any]) -> tuple[Note, ...]:
    return _notes(*write_script(network, path, standard=True))


def _notes(program: Path, weights: Path) -> tuple[Note, ...]:
    return (
        Note(
            "program", f"{program}: run it with `{command_line('python', program, 'DATA.npz', 'RESULT.npz')}`"
        ),
        Note("weights", str(weights)),
        Note("picture", f"{program.with_name(PICTURE)}: the processes and how they are connected"),
    )


SUMMARY = "a folder with a Python program that makes and runs the Lava processes"
EXPORTER = Exporter(SUMMARY, _write, writes_folder=True)
STANDARD_EXPORTER = Exporter(
    f"{SUMMARY}: its neurons and synapses are Lava's own", _write_standard, writes_folder=True
)
