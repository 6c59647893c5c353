"""Events of a sensor collected in frames, one frame a time step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from neurodeploy.errors import InputError

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """One recording: times `t` in microseconds, columns `x`, rows `y`, polarity `p` 0 or 1.

    All int64 `(n,)`.
    """

    t: Integers
    x: Integers
    y: Integers
    p: Integers


LONGEST = 1 << 40
"""Most microseconds between two events of a recording, twelve days: times fit into int64 when they are scaled."""
Binning = Callable[[Integers, int], Integers]
"""(times of the events, number of steps) -> the step of each event."""


def by_time(t: Integers, steps: int) -> Integers:
    """Steps of equal length: floor(steps * (t - t_first) / (t_last - t_first + 1))."""
    if not len(t):
        return t
    since = t - t.min()
    result: Integers = since * steps // (since.max() + 1)
    return result


def by_count(t: Integers, steps: int) -> Integers:
    """Steps of n // steps events each in their order (1 where there are fewer); the rest joins the last step.

    Source: Xiao et al., NeurIPS 2022 (OTTT), "split by number".
    """
    each = max(len(t) // steps, 1)
    step = np.empty(len(t), np.int64)
    step[np.argsort(t, kind="stable")] = np.minimum(np.arange(len(t)) // each, steps - 1)
    return step


def check_events(where: str, events: Events, height: int, width: int, polarities: int = 2) -> None:
    """Raise `InputError` naming the first event outside of the sensor, or times further apart than `LONGEST`."""
    span = int(events.t.max()) - int(events.t.min()) if len(events.t) else 0
    if span > LONGEST:
        raise InputError(f"{where}: its events are up to {span} us apart; at most {LONGEST} are read")
    for name, values, limit in (
        ("x", events.x, width),
        ("y", events.y, height),
        ("p", events.p, polarities),
    ):
        wrong = np.flatnonzero((values < 0) | (values >= limit))
        if wrong.size:
            raise InputError(f"{where}: event {wrong[0]} has {name} = {values[wrong[0]]}, not 0..{limit - 1}")


def frames(
    events: Events, steps: int, height: int, width: int, binning: Binning, polarities: int = 2
) -> npt.NDArray[np.float32]:
    """Number of events per step, polarity and pixel: float32 `(steps, polarities, height, width)`."""
    step = binning(events.t, steps)
    pixel = ((step * polarities + events.p) * height + events.y) * width + events.x
    counts = np.bincount(pixel, minlength=steps * polarities * height * width)
    return counts.astype(np.float32).reshape(steps, polarities, height, width)
