"""From a plan to wired Lava processes."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from neurodeploy.targets.lava.boards import create
from neurodeploy.targets.lava.job import Job
from neurodeploy.targets.lava.plan import plan
from neurodeploy.targets.lava.process_graph import LavaSignMode, Process
from neurodeploy.targets.lava.room import require_room


@dataclass(frozen=True, slots=True)
class Emitted:
    """A wired network: any of its processes, and how many Lava time steps it needs."""

    process: Any
    time_steps: int


def emit(folder: Path, job: Job) -> Emitted:
    """Make the processes of a job and its boards, and connect them. Imports Lava.

    Raises `BackendFailed` where they are too many for the machine.
    """
    made = plan(folder, job)
    require_room(len(made.processes), len(made.connections))
    for name, board in made.boards.items():
        create(folder / name, board.shape, board.dtype)
    processes = {name: _process(name, process) for name, process in made.processes.items()}
    for connection in made.connections:
        sender, receiver = processes[connection.sender], processes[connection.receiver]
        out, into = getattr(sender, connection.out), getattr(receiver, connection.into)
        (out.connect_var if connection.reads else out.connect)(into)
    return Emitted(processes[made.output], made.time_steps)


def _process(name: str, process: Process) -> Any:
    module, _, kind = process.kind.partition(":")
    arguments = {key: _lavas_own(value) for key, value in process.arguments.items()}
    return getattr(import_module(module), kind)(**arguments, name=name)


def _lavas_own(value: Any) -> Any:
    if not isinstance(value, LavaSignMode):
        return value
    from lava.utils.weightutils import SignMode

    return SignMode[value.name]
