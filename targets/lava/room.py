"""Whether the machine has room for the processes of a run, before any of them starts."""

from __future__ import annotations

import os
import resource
from collections.abc import Mapping
from pathlib import Path

from neurodeploy.errors import BackendFailed

CGROUPS = Path("/sys/fs/cgroup")
REMEDY = {"threads": "ulimit -u, or the container's limit of processes", "open files": "ulimit -n"}


def require_room(processes: int, connections: int) -> None:
    """Raise `BackendFailed` where a graph of so many Lava processes and connections passes a limit of the machine.

    Needs as counted with lava-nc 0.10.0: 6 threads a process and 2 a connection, 12 open files a process in the
    program that starts them.
    """
    needs = {"threads": 6 * processes + 2 * connections + 10, "open files": 12 * processes + 15}
    limits = {
        "threads": threads_allowed(CGROUPS),
        "open files": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    }
    require(processes, needs, limits)


def require(processes: int, needs: Mapping[str, int], limits: Mapping[str, int | None]) -> None:
    """Raise `BackendFailed` for the first need that is beyond its limit; None is no limit."""
    for what, need in needs.items():
        limit = limits[what]
        if limit is not None and limit != resource.RLIM_INFINITY and need > limit:
            raise BackendFailed(
                f"the network becomes {processes} Lava processes, which need {need} {what}; this machine allows "
                f"{limit} ({need - limit} over). Raise the limit ({REMEDY[what]}), or use the engine"
            )


def threads_allowed(cgroups: Path) -> int | None:
    """Threads that may still be started, None without a limit: what the control group leaves, or the user's limit."""
    found = [left for folder in (cgroups, cgroups / "pids") if (left := _left(folder)) is not None]
    user = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    if os.geteuid() != 0 and user != resource.RLIM_INFINITY:  # the kernel does not hold root to it
        found.append(user)
    return min(found, default=None)


def _left(folder: Path) -> int | None:
    """What a control group leaves of its limit of threads; None where there is none."""
    try:
        most, current = ((folder / name).read_text().strip() for name in ("pids.max", "pids.current"))
    except OSError:
        return None
    return None if most == "max" else int(most) - int(current)
