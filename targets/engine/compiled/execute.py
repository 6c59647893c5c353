"""The machine: executes a table of layers, stage by stage, over a window of time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, types

from neurodeploy.targets.engine.compiled import table
from neurodeploy.targets.engine.compiled.neurons import any_neurons, vectors
from neurodeploy.targets.engine.compiled.pointers import item_size, machine_code, pointer
from neurodeploy.targets.engine.compiled.synapses import channels, convolution, dense, direct

_DOT, _CHANNELS, _DIRECT, _NEURONS = table.DOT, table.CHANNELS, table.DIRECT, table.NEURONS
_ADD, _GATHER, _DELAY, _NONE = table.ADD, table.GATHER, table.DELAY, table.NONE
_ROW, _STAGE, _ROW_BYTES = table.ROW, table.STAGE, table.ROW.itemsize


@machine_code
def _at(base: Any, moving: Any, t: Any, numbers: Any, item: Any) -> Any:
    """Address of step t of a signal with so many numbers a step."""
    return base + moving * t * numbers * item


@machine_code
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


@machine_code
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


@machine_code
def _add(row: Any, t: Any, steps: Any, samples: Any, T: Any) -> None:
    """target = source + second, of which either may be the same in every step."""
    count, item = samples * row.size, item_size(T)
    for i in range(t, t + steps):
        a = carray(pointer(_at(row.source, row.moving, i, count, item)), (count,), T)
        b = carray(pointer(_at(row.second, row.second_moving, i, count, item)), (count,), T)
        out = carray(pointer(_at(row.target, 1, i, count, item)), (count,), T)
        for j in range(count):
            out[j] = T(a[j] + b[j])


@machine_code
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


@machine_code
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


@machine_code
def _forward(row: Any, steps: Any, samples: Any) -> None:
    """The end of the window before: what the line still holds moves to its start."""
    count = samples * row.size
    for i in range(row.delay):
        x = carray(pointer(row.target + (i + steps) * count), (count,), np.uint8)
        start = carray(pointer(row.target + i * count), (count,), np.uint8)
        for j in range(count):
            start[j] = x[j]


def assembly(number: np.dtype[Any]) -> tuple[str, str]:
    """The machine for currents and potentials of this type, in LLVM's language, and the name of its function.

    `f(nothing, nothing, rows, n_rows, stages, n_stages, steps, samples, before)`: two addresses for results that there
    are none of, then int64: address and length of the table and of the stages, and a window of `steps` steps;
    `before`: steps of the window before, 0 in the first of a batch. Returns 0.
    """
    T = number.type

    def execute(
        rows_at: Any, n_rows: Any, stages_at: Any, n_stages: Any, steps: Any, samples: Any, before: Any
    ) -> None:
        rows, stages = carray(pointer(rows_at), n_rows, _ROW), carray(pointer(stages_at), n_stages, _STAGE)
        for k in range(n_rows):
            if rows[k].kind == _DELAY and before:
                _forward(rows[k], before, samples)
        for i in range(n_stages):
            stage = stages[i]
            stride = 1 if stage.cyclic else steps
            for t in range(0, steps, stride):
                for k in range(stage.first, stage.last):
                    row = rows[k]
                    if row.once and before:
                        continue
                    if row.kind == _NEURONS:
                        row_at = rows_at + k * _ROW_BYTES
                        rows[k].overflows += _neurons(row, row_at, t, stride, samples, T)
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

    signature = types.void(*[types.int64] * 7)
    made = machine_code(execute)
    made.compile(signature)
    (compiled,) = made.overloads.values()
    return made.inspect_llvm(signature.args), compiled.fndesc.llvm_func_name
