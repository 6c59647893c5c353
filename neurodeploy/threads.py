"""How many threads a run may use."""

from __future__ import annotations

import os


def threads() -> int:
    """`OMP_NUM_THREADS` where it is a number, as other numeric libraries do; else the processors of this process."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    if given.isdigit() and int(given) > 0:
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
