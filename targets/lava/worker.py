"""The worker process of one Lava run: `python -m neurodeploy.targets.lava.worker FOLDER PARENT PATIENCE`.

FOLDER is a job (`neurodeploy.targets.lava.job`), PARENT the process id of the caller, PATIENCE the number of
seconds without a completed time step after which the run is given up. The worker ends, with all its processes
and its shared memory gone, when the run is done or broken, when its standard input closes, when PARENT ends,
and on SIGTERM.
"""

from __future__ import annotations

import os
import shutil
import sys
import traceback
from pathlib import Path
from time import perf_counter
from typing import Any

from neurodeploy.errors import NeurodeployError
from neurodeploy.targets.lava import job as jobs
from neurodeploy.targets.lava.guard import Guard, Stalled, Stopped, bind_children
from neurodeploy.targets.lava.results import PROGRESS, read_count
from neurodeploy.targets.lava.session import Session


def main(arguments: list[str]) -> None:
    """Run the job and leave its outcome in its folder."""
    folder, parent, patience = Path(arguments[0]), int(arguments[1]), float(arguments[2])
    guard = Guard(sys.stdin.fileno(), parent, patience, lambda: read_count(folder, PROGRESS))
    outcome = {"error": "the run was stopped"}
    try:
        guard.arm()
        outcome = _outcome(folder, guard, patience)
    except Stopped as stop:
        outcome = {"error": f"the run was stopped: {stop}"}
    finally:
        guard.disarm()
        _hand_over(folder, outcome, guard)


def _outcome(folder: Path, guard: Guard, patience: float) -> dict[str, Any]:
    try:
        return {"seconds": _execute(folder, guard)}
    except Stalled:
        done = read_count(folder, PROGRESS)
        return {
            "error": f"no time step was completed within the limit of {patience:g} s (the output has "
            f"completed {done}): the processes wait for each other, or the machine is overloaded"
        }
    except NeurodeployError as error:
        return {"error": str(error)}
    except Exception:
        return {"error": traceback.format_exc()}


def _execute(folder: Path, guard: Guard) -> float:
    """Build and run the network; seconds that the time steps took."""
    from neurodeploy.targets.lava.compat import prepare
    from neurodeploy.targets.lava.emit import emit

    bind_children()
    prepare()
    with Session(lambda: emit(folder, jobs.read(folder)), guard.disarm) as session:
        start = perf_counter()
        session.run()
        return perf_counter() - start


def _hand_over(folder: Path, outcome: dict[str, Any], guard: Guard) -> None:
    if guard.orphaned and (folder / jobs.JOB).exists():
        shutil.rmtree(folder, ignore_errors=True)
        return
    if folder.exists():
        jobs.write_outcome(folder, outcome)


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Lava's destructors wait for processes that are gone; there is nothing left to end in order.
    os._exit(0)
