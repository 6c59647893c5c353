"""Weights and delays of a block as a `.net` file holds them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurodeploy.errors import FitError, UnsupportedError
from neurodeploy.frontends.netx.format import LONGEST_DELAY, WEIGHT_HIGH, WEIGHT_LOW, held_by_lava
from neurodeploy.ir import IntConv, IntSynapses
from neurodeploy.ir.op import Int64Array
from neurodeploy.targets.netx.chain import Block

LARGEST_GEOMETRY = 127
"""Lava's Conv keeps kernel, stride, padding, dilation and groups in 8 bits."""


@dataclass(frozen=True, slots=True)
class Held:
    """Integer weights, recurrent weights, and a delay for each output `(out,)` where there is one."""

    weight: Int64Array
    recurrent: Int64Array | None
    delay: Int64Array | None


def dense(block: Block) -> Held:
    """Groups of one delay each as one matrix `(out, in)` with a delay for each row.

    Raises `FitError` where lava-dl would compute with other weights or delays.
    """
    parts = [_scaled(group.name, group.op) for group in block.groups]
    weight: Int64Array = np.sum(parts, axis=0)
    steps = np.array([group.steps for group in block.groups])
    rows = np.stack([(part != 0).any(axis=1) for part in parts])
    if (rows.sum(axis=0) > 1).any():
        row = int((rows.sum(axis=0) > 1).argmax())
        raise FitError(
            f"layer '{block.name}': neuron {row} has synapses in {int(rows[:, row].sum())} groups (delays of "
            f"{sorted(steps[rows[:, row]].tolist())} steps); a .net file holds one for each neuron"
        )
    delay: Int64Array = (rows * steps[:, np.newaxis]).sum(axis=0)
    if delay.max() > LONGEST_DELAY:
        raise FitError(
            f"layer '{block.name}': a delay of {delay.max()} steps; lava-dl's netx cuts delays to {LONGEST_DELAY}"
        )
    if block.recurrent is None:
        _check(block.name, weight, weight)
        return Held(weight, None, delay if delay.any() else None)
    if delay.any():
        raise UnsupportedError(f"layer '{block.name}': lava-dl's netx cannot load recurrence with delays")
    recurrent = _scaled(block.recurrent.name, block.recurrent.op)
    whole = np.hstack((weight, recurrent))
    _check(block.name, weight, whole)
    _check(block.recurrent.name, recurrent, whole)
    return Held(weight, recurrent, None)


def convolution(block: Block) -> Held:
    """Filters `(out, in / groups, height, width)`; raises where lava-dl drops delays or has no such convolution."""
    (group, *more) = block.groups
    if more or group.steps:
        raise UnsupportedError(f"layer '{block.name}': lava-dl's netx drops the delays of a convolution")
    if block.recurrent is not None:
        raise UnsupportedError(f"layer '{block.name}': a .net file has no recurrence of convolutions")
    op = group.op
    if not isinstance(op, IntConv) or op.weight_q.ndim != 4:
        raise UnsupportedError(
            f"layer '{group.name}': a .net file holds convolutions over two axes, not over one"
        )
    if op.padding[:2] != op.padding[2:]:
        raise UnsupportedError(
            f"layer '{group.name}': padding {list(op.padding)}; a .net file pads each axis alike at both ends"
        )
    largest = max(*op.windows.kernel, *op.stride, *op.padding, *op.dilation, op.groups)
    if largest > LARGEST_GEOMETRY:
        raise FitError(
            f"layer '{group.name}': kernel, stride, padding, dilation and groups must be at most {LARGEST_GEOMETRY} "
            f"each, not {largest}: Lava keeps them in 8 bits"
        )
    weight = _scaled(group.name, op)
    _check_range(group.name, weight)
    return Held(weight, None, None)


def _scaled(name: str, op: IntSynapses) -> Int64Array:
    if op.exponent < 0:
        raise UnsupportedError(
            f"layer '{name}': its sums are shifted by 2^{op.exponent}; a .net file has no weight exponent. "
            "Give the network's input fewer levels"
        )
    return op.weight_q.astype(np.int64) << op.exponent


def _check_range(name: str, weight: Int64Array) -> None:
    out = int(np.count_nonzero((weight < WEIGHT_LOW) | (weight > WEIGHT_HIGH)))
    if out:
        raise FitError(
            f"layer '{name}': {out} of {weight.size} weights lie outside {WEIGHT_LOW}..{WEIGHT_HIGH} "
            f"({weight.min()}..{weight.max()}), which is what a .net file holds. Try fewer --bits"
        )


def _check(name: str, weight: Int64Array, whole: Int64Array) -> None:
    _check_range(name, weight)
    if not whole.any():
        raise FitError(
            f"layer '{name}': all {whole.size} weights are 0; lava-dl's netx cannot load such a matrix"
        )
    changed = weight != held_by_lava(weight, whole)
    if changed.any():
        raise FitError(
            f"layer '{name}': lava-dl's netx would change {np.count_nonzero(changed)} of {weight.size} weights, "
            f"such as {weight[changed].flat[0]}: in a matrix without positive weights it clips the lowest. "
            "Try fewer --bits"
        )
