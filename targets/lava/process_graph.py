"""A graph of Lava processes as plain data: what a plan consists of. Imports no Lava."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy.typing as npt

OURS = "neurodeploy.targets.lava.processes"


@dataclass(frozen=True, slots=True)
class LavaSignMode:
    """A member of Lava's `SignMode`, by name; a plan does not import Lava."""

    name: str


@dataclass(frozen=True, slots=True)
class Process:
    """One process: `kind` is `module:Class`, `arguments` are those of its constructor besides the name."""

    kind: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Connection:
    """`sender`'s port `out` to `receiver`'s port `into`, or to its variable, which `reads` says."""

    sender: str
    out: str
    receiver: str
    into: str
    reads: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """A result that processes write, see `neurodeploy.targets.lava.boards`."""

    shape: tuple[int, ...]
    dtype: npt.DTypeLike


@dataclass(slots=True)
class Plan:
    """Processes and boards by name, connections, Lava's number of time steps, and the layer that is shown.

    `folder` is where the boards will be.
    """

    folder: Path
    time_steps: int
    output: str
    processes: dict[str, Process] = field(default_factory=dict)
    connections: list[Connection] = field(default_factory=list)
    boards: dict[str, Board] = field(default_factory=dict)

    def add(self, name: str, kind: str, **arguments: Any) -> str:
        """Plan a process; gives its name."""
        self.processes[name] = Process(kind, arguments)
        return name

    def connect(self, sender: str, out: str, receiver: str, into: str) -> None:
        """Connect two ports."""
        self.connections.append(Connection(sender, out, receiver, into))

    def read(self, reader: str, port: str, process: str, variable: str) -> None:
        """Let a port read a variable."""
        self.connections.append(Connection(reader, port, process, variable, reads=True))

    def board(self, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Path:
        """Plan a board; gives its path."""
        self.boards[name] = Board(shape, dtype)
        return self.folder / name
