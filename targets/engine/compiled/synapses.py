"""Synapses in machine code: three routes to the same sums.

`T` is the number type of currents, int32 where the network's bounds prove it enough, else int64; `S` the signal's.
The equations are those of `neurodeploy.ir.IntSynapses`; arrays are (time, sample, rows, columns, channels).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray

from neurodeploy.targets.engine.compiled.dot import block
from neurodeploy.targets.engine.compiled.pointers import item_size, machine_code, pointer
from neurodeploy.targets.engine.compiled.processor import processor
from neurodeploy.targets.engine.compiled.table import INPUTS, LANES

FAST = processor().multiplies_bytes

_6x4, _6x2, _6x1 = (block(6, vectors, FAST) for vectors in (4, 2, 1))
_4x4, _4x2, _4x1 = (block(4, vectors, FAST) for vectors in (4, 2, 1))
_2x4, _2x2, _2x1 = (block(2, vectors, FAST) for vectors in (4, 2, 1))
_1x4, _1x2, _1x1 = (block(1, vectors, FAST) for vectors in (4, 2, 1))
_LISTED4, _LISTED2, _LISTED1 = (block(1, vectors, FAST, listed=True) for vectors in (4, 2, 1))


@machine_code
def _products(
    row: Any, count: Any, vectors: Any, rows: Any, weight: Any, start: Any, out: Any, step: Any, T: Any
) -> None:
    """A block of `count` rows, 6, 4, 2 or 1, by `vectors` vectors of neurons, 4, 2 or 1; see `dot.block`."""
    offsets, segments, quads = row.offsets, row.segments, row.quads
    left, right = max(row.exponent, 0), max(-row.exponent, 0)
    if count == 6:
        if vectors == 4:
            _6x4(rows, offsets, segments, quads, weight, start, left, right, out, step, T)
        elif vectors == 2:
            _6x2(rows, offsets, segments, quads, weight, start, left, right, out, step, T)
        else:
            _6x1(rows, offsets, segments, quads, weight, start, left, right, out, step, T)
    elif count == 4:
        if vectors == 4:
            _4x4(rows, offsets, segments, quads, weight, start, left, right, out, step, T)
        elif vectors == 2:
            _4x2(rows, offsets, segments, quads, weight, start, left, right, out, step, T)
        else:
            _4x1(rows, offsets, segments, quads, weight, start, left, right, out, step, T)
    elif count == 2:
        if vectors == 4:
            _2x4(rows, offsets, segments, quads, weight, start, left, right, out, step, T)
        elif vectors == 2:
            _2x2(rows, offsets, segments, quads, weight, start, left, right, out, step, T)
        else:
            _2x1(rows, offsets, segments, quads, weight, start, left, right, out, step, T)
    elif vectors == 4:
        _1x4(rows, offsets, segments, quads, weight, start, left, right, out, step, T)
    elif vectors == 2:
        _1x2(rows, offsets, segments, quads, weight, start, left, right, out, step, T)
    else:
        _1x1(rows, offsets, segments, quads, weight, start, left, right, out, step, T)


@machine_code
def _listed(
    row: Any, vectors: Any, rows: Any, count: Any, weight: Any, start: Any, out: Any, step: Any, T: Any
) -> None:
    """One row of which only the `count` quads of the list are not 0."""
    left, right = max(row.exponent, 0), max(-row.exponent, 0)
    if vectors == 4:
        _LISTED4(rows, row.active, 1, count, weight, start, left, right, out, step, T)
    elif vectors == 2:
        _LISTED2(rows, row.active, 1, count, weight, start, left, right, out, step, T)
    else:
        _LISTED1(rows, row.active, 1, count, weight, start, left, right, out, step, T)


@machine_code
def _keep(row: Any, count: Any, width: Any, T: Any, target: Any, first: Any) -> None:
    """Of `count` rows of `width` results in the working space what neurons from `first` on get, to address `target`."""
    given, m = carray(pointer(row.sums), count * width, T), row.out - first
    for r in range(count):
        to = carray(pointer(target + (r * row.out + first) * item_size(T)), m, T)
        for j in range(m):
            to[j] = given[r * width + j]


@machine_code
def _find_active(row: Any, quads: Any, inputs: Any, active: Any) -> Any:
    """Quads of a row that are not all 0, into `active`; returns how many, at least one. The last may reach beyond."""
    whole = inputs // INPUTS
    words = carray(pointer(row), (whole,), np.int32)
    count = 0
    for q in range(whole):
        active[count] = q
        count += words[q] != 0
    if quads > whole:
        active[count] = whole
        count += 1
    if count == 0:
        active[0] = 0
    return max(count, 1)


@machine_code
def _active(row: Any, inputs: Any) -> Any:
    """How many whole quads of a row are not all 0."""
    words = carray(pointer(row), (inputs // INPUTS,), np.int32)
    found = np.int32(0)
    for q in range(len(words)):
        found = np.int32(found + np.int32(words[q] != 0))
    return found


@machine_code
def _vectors(left: Any) -> Any:
    """Vectors of the block for the next of `left` neurons."""
    return 4 if left > 2 * LANES else 2 if left > LANES else 1


@machine_code
def _rows(row: Any, total: Any, target: Any, T: Any) -> None:
    """All `total` rows of input, whose addresses lie at `row.bases`, by all neurons; results to address `target`."""
    weight, first, item = row.weight, np.int64(0), item_size(T)
    while first < row.out:
        vectors = _vectors(row.out - first)
        width, done, start = vectors * LANES, 0, row.start + 4 * first
        whole = first + width <= row.out
        while done < total:
            count = total - done
            count = 6 if count >= 6 else 4 if count >= 4 else 2 if count >= 2 else 1
            rows, at = row.bases + 8 * done, target + done * row.out * item
            if whole:
                _products(row, count, vectors, rows, weight, start, at + first * item, row.out * item, T)
            else:
                _products(row, count, vectors, rows, weight, start, row.sums, width * item, T)
                _keep(row, count, width, T, at, first)
            done += count
        weight += row.segments * row.quads * width * INPUTS
        first += width


@machine_code
def _sparse_rows(row: Any, total: Any, target: Any, T: Any) -> None:
    """The same, of each row only the quads that are not 0."""
    active, bases = (
        carray(pointer(row.active), row.quads, np.int64),
        carray(pointer(row.bases), total, np.int64),
    )
    item = item_size(T)
    for r in range(total):
        found = _find_active(bases[r], row.quads, row.channels, active)
        weight, first, at = row.weight, np.int64(0), target + r * row.out * item
        while first < row.out:
            vectors = _vectors(row.out - first)
            width, rows, start = vectors * LANES, row.bases + 8 * r, row.start + 4 * first
            if first + width <= row.out:
                _listed(row, vectors, rows, found, weight, start, at + first * item, 0, T)
            else:
                _listed(row, vectors, rows, found, weight, start, row.sums, 0, T)
                _keep(row, 1, width, T, at, first)
            weight += row.quads * width * INPUTS
            first += width


@machine_code
def dense(row: Any, source: Any, target: Any, total: Any, T: Any) -> None:
    """W x for `total` rows of input, one behind the other."""
    bases = carray(pointer(row.bases), total, np.int64)
    for i in range(total):
        bases[i] = source + i * row.channels
    if row.out > LANES and _is_sparse(row, bases):
        _sparse_rows(row, total, target, T)
    else:
        _rows(row, total, target, T)


@machine_code
def _is_sparse(row: Any, bases: Any) -> Any:
    """Judged by some rows, at most 16."""
    stride, used, seen = 1 + len(bases) // 16, 0, 0
    for i in range(0, len(bases), stride):
        used += _active(bases[i], row.channels)
        seen += row.quads
    return used * 100 < row.sparse_below * seen


@machine_code
def convolution(row: Any, source: Any, target: Any, images: Any, T: Any) -> None:
    """W * x, so many images at a time that they share each block of weights; copied with their padding first."""
    places = row.rows * row.columns
    for first in range(0, images, row.at_once):
        count = min(row.at_once, images - first)
        for i in range(count):
            base = source + (first + i) * row.size
            if row.padded:
                _pad(row, base, row.scratch + i * row.padded)
                base = row.scratch + i * row.padded
            _find_places(row, base, row.bases + 8 * i * places)
        _rows(row, count * places, target + first * places * row.out * item_size(T), T)


@machine_code
def _find_places(row: Any, image: Any, into: Any) -> None:
    """The addresses at which the kernel lies on an image, one for each place of the result."""
    bases = carray(pointer(into), row.rows * row.columns, np.int64)
    for y in range(row.rows):
        line = image + y * row.stride_y * row.padded_width * row.channels
        for x in range(row.columns):
            bases[y * row.columns + x] = line + x * row.stride_x * row.channels


@machine_code
def _pad(row: Any, source: Any, target: Any) -> None:
    """The image in the middle of its scratch, whose border stays as it was made."""
    line = row.width * row.channels
    for y in range(row.height):
        given = carray(pointer(source + y * line), (line,), np.uint8)
        first = ((y + row.top) * row.padded_width + row.left) * row.channels
        into = carray(pointer(target + first), (line,), np.uint8)
        for i in range(line):
            into[i] = given[i]


@machine_code
def channels(row: Any, source: Any, target: Any, images: Any, T: Any) -> None:
    """One kernel for each channel, as pools have them; weight int8 `(kernel_y, kernel_x, channels)`."""
    count, places = row.channels, row.rows * row.columns
    total = carray(pointer(row.sums), count, np.int32)
    for image in range(images):
        image_at = source + image * row.size
        for y in range(row.rows):
            for z in range(row.columns):
                for c in range(count):
                    total[c] = 0
                for j in range(row.kernel_y):
                    line = y * row.stride_y + j * row.dilation_y - row.top
                    for k in range(row.kernel_x):
                        column = z * row.stride_x + k * row.dilation_x - row.left
                        if 0 <= line < row.height and 0 <= column < row.width:
                            first = (line * row.width + column) * count
                            given = carray(pointer(image_at + first), count, np.uint8)
                            tap = row.weight + (j * row.kernel_x + k) * count
                            weight = carray(pointer(tap), (count,), np.int8)
                            for c in range(count):
                                one = np.int32(given[c]) + np.int32(row.offset)
                                total[c] = np.int32(total[c] + np.int32(np.int32(one) * np.int32(weight[c])))
                into = (image * places + y * row.columns + z) * count
                result = carray(pointer(target + into * item_size(T)), (count,), T)
                for c in range(count):
                    result[c] = _shifted(T(total[c]), row.exponent, T)


@machine_code
def _shifted(x: Any, exponent: Any, T: Any) -> Any:
    return T(x << exponent) if exponent >= 0 else T(x >> -exponent)


@machine_code
def direct(row: Any, source: Any, target: Any, images: Any, T: Any, S: Any) -> None:
    """Any synapses, one input after the other, in int64; weight int8 `(group, kernel, in / group, out / group)`."""
    per_in, per_out = row.channels // row.groups, row.out // row.groups
    places = row.rows * row.columns
    total = carray(pointer(row.sums), per_out, np.int64)
    weight = carray(pointer(row.weight), (row.groups, row.kernel_y * row.kernel_x, per_in, per_out), np.int8)
    for image in range(images):
        x = carray(pointer(source), (images, row.height, row.width, row.groups, per_in), S)[image]
        result = carray(pointer(target), (images, places, row.groups, per_out), T)[image]
        for place in range(places):
            top = place // row.columns * row.stride_y - row.top
            left = place % row.columns * row.stride_x - row.left
            for g in range(row.groups):
                for o in range(per_out):
                    total[o] = 0
                for tap in range(row.kernel_y * row.kernel_x):
                    line = top + tap // row.kernel_x * row.dilation_y
                    column = left + tap % row.kernel_x * row.dilation_x
                    if 0 <= line < row.height and 0 <= column < row.width:
                        for i in range(per_in):
                            given = np.int64(x[line, column, g, i]) + row.offset
                            if given:
                                for o in range(per_out):
                                    total[o] += given * np.int64(weight[g, tap, i, o])
                for o in range(per_out):
                    result[place, g, o] = T(_shifted(total[o], row.exponent, np.int64))
