"""The machine: executes a table of layers, stage by stage, over a window of time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numba import carray, njit

from neurodeploy.targets.engine.compiled import table
from neurodeploy.targets.engine.compiled.memory import item_size, pointer
from neurodeploy.targets.engine.compiled.neurons import any_neurons, vectors
from neurodeploy.targets.engine.compiled.synapses import channels, convolution, dense, direct

_DOT, _CHANNELS, _DIRECT, _NEURONS = table.DOT, table.CHANNELS, table.DIRECT, table.NEURONS
_ADD, _GATHER, _DELAY, _NONE = table.ADD, table.GATHER, table.DELAY, table.NONE

Execute = Callable[[Any, Any, int, int, int], None]


@njit(nogil=True)
def _at(base: Any, moving: Any, t: Any, numbers: Any, item: Any) -> Any:
    """Address of step t of a signal with so many numbers a step."""
    return base + moving * t * numbers * item


@njit(nogil=True)
def _synapses(row: Any, t: Any, steps: Any, samples: Any, T: Any) -> None:
    times = steps if row.moving else 1
    images = times * samples
    item = 8 if row.wide else 1
    source = _at(row.source, row.moving, t, samples * row.size, item)
    places = row.rows * row.columns
    target = _at(row.target, row.moving, t, samples * places * row.out, item_size(T))
    if row.kind == _DOT:
        if row.dense:
            dense(row, source, target, images, T)
        else:
            convolution(row, source, target, images, T)
    elif row.kind == _CHANNELS:
        channels(row, source, target, images, T)
    elif row.wide:
        direct(row, source, target, images, T, np.int64)
    else:
        direct(row, source, target, images, T, np.uint8)


@njit(nogil=True)
def _neurons(row: Any, row_at: Any, t: Any, steps: Any, samples: Any, T: Any) -> Any:
    item, count = item_size(T), samples * row.size
    source = _at(row.source, row.moving * row.driven, t, count, item)
    membrane = _at(row.membrane, 1, t, count, item) if row.membrane else 0
    spikes = row.reset != _NONE
    if row.wide:
        target = _at(row.target, spikes, t, count, 8)
        return any_neurons(row, source, target, row.moving, steps, samples, membrane, T, np.int64)
    target = _at(row.target, spikes, t, count, 1)
    if row.by_vectors:
        return vectors(row, row_at, source, target, row.moving, steps, samples, membrane)
    return any_neurons(row, source, target, row.moving, steps, samples, membrane, T, np.uint8)


@njit(nogil=True)
def _add(row: Any, t: Any, steps: Any, samples: Any, T: Any) -> None:
    """target = source + second, of which either may be the same in every step."""
    count, item = samples * row.size, item_size(T)
    for i in range(t, t + steps):
        a = carray(pointer(_at(row.source, row.moving, i, count, item)), (count,), T)
        b = carray(pointer(_at(row.second, row.second_moving, i, count, item)), (count,), T)
        out = carray(pointer(_at(row.target, 1, i, count, item)), (count,), T)
        for j in range(count):
            out[j] = T(a[j] + b[j])


@njit(nogil=True)
def _gather(row: Any, t: Any, steps: Any, samples: Any, S: Any) -> None:
    """target[i] = source[order[i]]."""
    order = carray(pointer(row.order), (row.size,), np.int64)
    item, times = item_size(S), steps if row.moving else 1
    source = _at(row.source, row.moving, t, samples * row.size, item)
    target = _at(row.target, row.moving, t, samples * row.size, item)
    for n in range(times * samples):
        x = carray(pointer(source + n * row.size * item), (row.size,), S)
        out = carray(pointer(target + n * row.size * item), (row.size,), S)
        for i in range(row.size):
            out[i] = x[order[i]]


@njit(nogil=True)
def _delay(row: Any, t: Any, steps: Any, samples: Any) -> None:
    """Put what arrives in steps t.. into the line, `delay` steps behind; `size` in bytes."""
    for i in range(t, t + steps):
        x = carray(
            pointer(_at(row.source, row.moving, i, samples * row.size, 1)), (samples * row.size,), np.uint8
        )
        line = carray(
            pointer(_at(row.target, 1, i + row.delay, samples * row.size, 1)), (samples * row.size,), np.uint8
        )
        for j in range(samples * row.size):
            line[j] = x[j]


@njit(nogil=True)
def _forward(row: Any, steps: Any, samples: Any) -> None:
    """The end of the window before: what the line still holds moves to its start."""
    count = samples * row.size
    for i in range(row.delay):
        x = carray(pointer(row.target + (i + steps) * count), (count,), np.uint8)
        start = carray(pointer(row.target + i * count), (count,), np.uint8)
        for j in range(count):
            start[j] = x[j]


def _execute(T: Any, digest: str) -> Execute:
    """The function for currents and potentials of type T; `digest` makes a cache of other source invalid."""

    @njit(nogil=True, cache=True)
    def execute(rows: Any, stages: Any, steps: Any, samples: Any, before: Any) -> Any:
        """Run a window of `steps` steps; `before`: steps of the window before, 0 in the first of a batch."""
        at = rows.ctypes.data
        for k in range(len(rows)):
            if rows[k].kind == _DELAY and before:
                _forward(rows[k], before, samples)
        for i in range(len(stages)):
            stage = stages[i]
            stride = 1 if stage.cyclic else steps
            for t in range(0, steps, stride):
                for k in range(stage.first, stage.last):
                    row = rows[k]
                    if row.once and before:
                        continue
                    if row.kind == _NEURONS:
                        rows[k].overflows += _neurons(row, at + k * rows.itemsize, t, stride, samples, T)
                    elif row.kind == _ADD:
                        _add(row, t, stride, samples, T)
                    elif row.kind == _GATHER:
                        if row.wide == 2:
                            _gather(row, t, stride, samples, T)
                        elif row.wide:
                            _gather(row, t, stride, samples, np.int64)
                        else:
                            _gather(row, t, stride, samples, np.uint8)
                    elif row.kind <= _DIRECT:
                        _synapses(row, t, stride, samples, T)
                    else:
                        _delay(row, t, stride, samples)

    found: Execute = execute
    return found


@cache
def _digest() -> str:
    """Of all source that the function is made from."""
    folder = Path(__file__).parent
    names = ("dot", "lif", "memory", "table", "synapses", "neurons", "execute")
    return hashlib.sha256(b"".join((folder / f"{name}.py").read_bytes() for name in names)).hexdigest()


@cache
def execute(wide: bool) -> Execute:
    """What executes tables of 32-bit currents and potentials, or of 64-bit ones."""
    return _execute(np.int64 if wide else np.int32, _digest())
