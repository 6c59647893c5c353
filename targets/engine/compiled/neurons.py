"""Neurons in machine code: by vectors where `lif` has them, else any neurons, one after the other.

The equations are those of `neurodeploy.ir.IntLIF`. `T` is the number type of u and v, int32 or int64, `S` that of the
spikes, bytes or int64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray

from neurodeploy.semantics.fixed_point import CURRENT_SHIFT, DECAY_BITS
from neurodeploy.targets.engine.compiled.lif import pass_over_time
from neurodeploy.targets.engine.compiled.pointers import machine_code, pointer
from neurodeploy.targets.engine.compiled.table import NONE, SATURATE, SUBTRACT, UNCHECKED

MOST = 64
LANES = (MOST, 8, 1)
"""Neurons of one vector pass."""
_LIF, _CUBA = (pass_over_time(MOST, remembers, False) for remembers in (False, True))
_LIF_CHECKED, _LIF8, _LIF1 = (pass_over_time(lanes, False, True) for lanes in LANES)
_CUBA_CHECKED, _CUBA8, _CUBA1 = (pass_over_time(lanes, True, True) for lanes in LANES)


@machine_code
def vectors(
    row: Any,
    row_at: Any,
    source: Any,
    target: Any,
    moving: Any,
    steps: Any,
    samples: Any,
    membrane: Any,
) -> Any:
    """`steps` steps of all neurons of all samples; returns how many values the registers could not hold.

    Addresses: currents `source` `(steps or 1, samples, size)` int32, spikes `target` `(steps, samples, size)` bytes,
    and `membrane`, which may be 0, int32. `row_at` is the address of `row`.
    """
    size, beyond = row.size, np.int64(0)
    checked = row.check_u != UNCHECKED or row.check_v != UNCHECKED
    a_step, s_step, m_step = moving * samples * size * 4, samples * size, samples * size * 4
    for n in range(samples):
        first = np.int64(0)
        for lanes in LANES:
            chunks = (size - first) // lanes
            if chunks == 0:
                continue
            place = n * size + first
            v, u = row.v + 4 * place, row.u + 4 * place
            a = source + 4 * place * row.driven
            s, m = target + place, (membrane + 4 * place if membrane else 0)
            if row.remembers:
                if lanes == MOST and checked:
                    beyond += _CUBA_CHECKED(
                        row_at, first, v, u, a, a_step, s, s_step, m, m_step, steps, chunks
                    )
                elif lanes == MOST:
                    beyond += _CUBA(row_at, first, v, u, a, a_step, s, s_step, m, m_step, steps, chunks)
                elif lanes == 8:
                    beyond += _CUBA8(row_at, first, v, u, a, a_step, s, s_step, m, m_step, steps, chunks)
                else:
                    beyond += _CUBA1(row_at, first, v, u, a, a_step, s, s_step, m, m_step, steps, chunks)
            elif lanes == MOST and checked:
                beyond += _LIF_CHECKED(row_at, first, v, u, a, a_step, s, s_step, m, m_step, steps, chunks)
            elif lanes == MOST:
                beyond += _LIF(row_at, first, v, u, a, a_step, s, s_step, m, m_step, steps, chunks)
            elif lanes == 8:
                beyond += _LIF8(row_at, first, v, u, a, a_step, s, s_step, m, m_step, steps, chunks)
            else:
                beyond += _LIF1(row_at, first, v, u, a, a_step, s, s_step, m, m_step, steps, chunks)
            first += chunks * lanes
    return beyond


@machine_code
def _decay(x: Any, keep: Any) -> Any:
    """sign(x) * ((|x| * keep) >> DECAY_BITS)."""
    kept = (abs(x) * keep) >> DECAY_BITS
    return -kept if x < 0 else kept


@machine_code
def _held(x: Any, check: Any, low: Any, high: Any) -> Any:
    """What a register holds after x is written to it."""
    if check == UNCHECKED or low <= x <= high:
        return x
    if check == SATURATE:
        return low if x < low else high
    return ((x - low) & (high - low)) + low


@machine_code
def any_neurons(
    row: Any,
    source: Any,
    target: Any,
    moving: Any,
    steps: Any,
    samples: Any,
    membrane: Any,
    T: Any,
    S: Any,
) -> Any:
    """The same for all kinds of neurons; currents and potentials of T, spikes of S."""
    size, beyond = row.size, np.int64(0)
    count = steps * samples * size
    keep_u, keep_v = carray(pointer(row.keep_u), size, T), carray(pointer(row.keep_v), size, T)
    bias, fire_at = carray(pointer(row.bias), size, T), carray(pointer(row.fire_at), size, T)
    subtracts, v_min = carray(pointer(row.subtracts), size, T), carray(pointer(row.v_min), size, T)
    potential, current = carray(pointer(row.v), samples * size, T), carray(pointer(row.u), samples * size, T)
    waiting = carray(pointer(row.waiting), samples * size, np.int32)
    a, s = carray(pointer(source), count, T), carray(pointer(target), count, S)
    kept = carray(pointer(membrane), count, T)
    for t in range(steps):
        for i in range(samples * size):
            j, place = i % size, t * samples * size + i
            u = np.int64(a[(place if moving else i)]) << CURRENT_SHIFT if row.driven else np.int64(0)
            if row.remembers:
                u += _decay(np.int64(current[i]), np.int64(keep_u[j]))
            held = _held(u, row.check_u, row.low_u, row.high_u)
            beyond += held != u
            u, resting = held, row.refractory > 0 and waiting[i] > 0
            v = np.int64(potential[i])
            if not resting:
                raw = _decay(v, np.int64(keep_v[j])) + u + bias[j]
                v = _held(raw, row.check_v, row.low_v, row.high_v)
                beyond += v != raw
                if row.floors:
                    v = max(v, np.int64(v_min[j]))
            spikes = np.int64(0)
            if row.reset != NONE and not resting and v >= fire_at[j]:
                spikes = np.int64(1)
                if row.max_spikes > 1:
                    spikes = min((v - fire_at[j]) // subtracts[j] + 1, row.max_spikes)
                v = v - spikes * subtracts[j] if row.reset == SUBTRACT else np.int64(0)
                u = np.int64(0) if row.clears else u
            if row.refractory:
                waiting[i] = row.refractory if spikes else max(waiting[i] - 1, 0)
            if row.remembers:
                current[i] = u
            potential[i] = v
            if row.reset != NONE:
                s[place] = spikes
            if membrane:
                kept[place] = v
    return beyond
