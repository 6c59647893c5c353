"""Weights of a file as int8 with an exponent, apart by the delay of each synapse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from neurodeploy.errors import UnsupportedError
from neurodeploy.frontends.netx.fields import Fields
from neurodeploy.frontends.netx.format import WEIGHT_HIGH, WEIGHT_LOW, held_by_lava
from neurodeploy.ir.op import Int8Array, Int64Array
from neurodeploy.network import Note

MOST_DELAYS = 128
MOST_WEIGHTS = 1 << 28
"""Most different delays of one layer, each a matrix of its own, and most weights of these together."""


def quantized(weights: Sequence[Int64Array], weight_shift: int, where: str) -> tuple[list[Int8Array], int]:
    """Weights in [-256, 254], times 2^weight_shift, as int8 w with one exponent e for all: w 2^e, exactly.

    Raises `UnsupportedError` for weights out of the range, for odd ones beyond int8, and for a scale below one, by
    which sums would be rounded.
    """
    size = sum(weight.size for weight in weights)
    low, high = min(int(w.min()) for w in weights), max(int(w.max()) for w in weights)
    if low < WEIGHT_LOW or high > WEIGHT_HIGH:
        out = sum(int(np.count_nonzero((w < WEIGHT_LOW) | (w > WEIGHT_HIGH))) for w in weights)
        raise UnsupportedError(
            f"{where}: {out} of {size} weights are outside {WEIGHT_LOW}..{WEIGHT_HIGH} ({low}..{high}), which is "
            "what a synapse holds; lava-dl would clip them"
        )
    odd = sum(int(np.count_nonzero(w & 1)) for w in weights)
    if odd and (low < -128 or high > 127):
        raise UnsupportedError(
            f"{where}: {odd} of {size} weights are odd and they reach from {low} to {high}; 8 bits hold odd "
            "weights from -128 to 127, or even ones from -256 to 254. Export with 8-bit quantization in steps of 2"
        )
    halved = 0 if odd else 1
    if halved + weight_shift < 0:
        raise UnsupportedError(
            f"{where}: weights times 2^{weight_shift} are no integers, so sums would be rounded; "
            "--set netx.weight_exp=ignore leaves the exponent out"
        )
    return [(weight >> halved).astype(np.int8) for weight in weights], halved + weight_shift


def delay_of_synapses(
    weight_q: Int8Array, of_output: Int64Array | None, of_input: Int64Array | None, groups: int
) -> Int64Array:
    """Delay of every synapse: that of its output channel plus that of its input channel.

    Weights are `(out, in / groups, *kernel)`; the result is int64 and broadcasts to them. 0 where a weight is 0.
    """
    outputs, inputs = weight_q.shape[:2]
    total = np.zeros((outputs, inputs), np.int64)
    if of_output is not None:
        total += of_output[:, np.newaxis]
    if of_input is not None:
        first = np.arange(outputs) // (outputs // groups) * inputs
        total += of_input[first[:, np.newaxis] + np.arange(inputs)]
    used = (weight_q != 0).any(axis=tuple(range(2, weight_q.ndim)))
    return np.where(used, total, 0).reshape(outputs, inputs, *(1,) * (weight_q.ndim - 2))


def by_delay(weight_q: Int8Array, delays: Int64Array) -> Iterator[tuple[int, Int8Array]]:
    """Each delay with the weights that have it, zeros elsewhere; weights of 0 have none.

    Raises `UnsupportedError` for more matrices than `MOST_DELAYS`, or more weights in them than `MOST_WEIGHTS`.
    """
    every = np.broadcast_to(delays, weight_q.shape)
    used = np.unique(every[weight_q != 0])
    if used.size > MOST_DELAYS or used.size * weight_q.size > MOST_WEIGHTS:
        raise UnsupportedError(
            f"its synapses have {used.size} different delays, each of which becomes a matrix of {weight_q.size} "
            f"weights; the most are {MOST_DELAYS} matrices with {MOST_WEIGHTS} weights"
        )
    for steps in used.tolist():
        yield steps, np.where(every == steps, weight_q, 0).astype(np.int8)


def read_delays(fields: Fields, outputs: int) -> Int64Array | None:
    """The field `delay`: one number for all, or one an output channel; None where there is none or all are 0."""
    if "delay" not in fields:
        return None
    delays = fields.integers("delay").ravel()
    if delays.size not in (1, outputs):
        raise fields.fail(f"delay holds {delays.size} numbers; it must be 1 or {outputs}, one an output")
    if delays.min() < 0 or delays.max() >= 1 << 20:
        raise fields.fail(f"delays must be in 0..{(1 << 20) - 1}, not {delays.min()}..{delays.max()}")
    return np.broadcast_to(delays, (outputs,)) if delays.any() else None


def note_what_lava_changes(weight: Int64Array, whole: Int64Array, where: str, notes: list[Note]) -> None:
    """Say where lava-dl itself would compute with other weights than the file holds."""
    if weight.min() < WEIGHT_LOW or weight.max() > WEIGHT_HIGH:
        return
    if not whole.any():
        notes.append(Note(where, "all weights are 0; lava-dl's netx cannot load such a matrix"))
        return
    changed = weight != held_by_lava(weight, whole)
    if changed.any():
        notes.append(
            Note(
                where,
                f"its weights are taken as they are; lava-dl's netx would change {np.count_nonzero(changed)} of "
                f"{weight.size}, such as {weight[changed].flat[0]}",
            )
        )
